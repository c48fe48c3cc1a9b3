"""A model that accepts text alone gets words for pictures, and locks no thread."""

import pytest
from langchain_core.messages import HumanMessage

from benchmarks.scripted_thread import open_scripted
from threadkeep.testing_server import Fault

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "QUJD" * 1_000}}
REFUSALS = [
    "image input is not supported - hint: you may need to provide the mmproj",
    "unknown variant `image_url`, expected `text`",
    "scripted is not a multimodal model",
    "messages[1].content must be a string",
]


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_refused_picture_is_sent_as_words_and_later_at_once(refusal: str) -> None:
    async with open_scripted() as thread:
        thread.server.script(Fault(status=400, body={"error": {"message": refusal}}))
        output = await thread.say(HumanMessage([PICTURE, {"type": "text", "text": "See?"}]))
        assert output["messages"][-1].text == "Noted."
        first, second = thread.prompts[-2:]
        assert PICTURE in first[-1]["content"]
        assert second[-1]["content"] == "[image image/png, 3 kB]\nSee?"
        await thread.say("And now?")
        assert all(isinstance(message["content"], str) for message in thread.prompts[-1])


async def test_one_broken_picture_does_not_take_the_others_away() -> None:
    async with open_scripted() as thread:
        refusal = "You uploaded an unsupported image. Please make sure your image is valid."
        thread.server.script(Fault(status=400, body={"error": {"message": refusal}}))
        await thread.say(HumanMessage([PICTURE, {"type": "text", "text": "See?"}]))
        thread.name = "second"
        await thread.say(HumanMessage([PICTURE, {"type": "text", "text": "And this?"}]))
        assert PICTURE in thread.prompts[-1][-1]["content"]
