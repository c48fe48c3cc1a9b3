from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from threadkeep.models.answers import call_for_answer
from threadkeep.models.faults import EmptyAnswer
from threadkeep.models.finish import finish_kind, incomplete_of
from threadkeep.models.reply_reader import REASONING

PROMPT = [HumanMessage("What is my favourite colour?")]


class ChunkModel(BaseChatModel):
    """Answers each call with the next list of chunks; without streaming, with their sum."""

    answers: Sequence[Sequence[AIMessageChunk | Exception]]
    calls: int = 0

    @property
    def _llm_type(self) -> str:
        return "chunks"

    def _next(self) -> Sequence[AIMessageChunk | Exception]:
        self.calls += 1
        return self.answers[min(self.calls, len(self.answers)) - 1]

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        whole = AIMessageChunk(content="")
        for chunk in self._next():
            if isinstance(chunk, Exception):
                raise chunk
            whole += chunk
        return ChatResult(generations=[ChatGeneration(message=whole)])

    async def _astream(
        self, messages: list[BaseMessage], *_: Any, **__: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._next():
            if isinstance(chunk, Exception):
                raise chunk
            yield ChatGenerationChunk(message=chunk)


def chunk(content: Any = "", **fields: Any) -> AIMessageChunk:
    return AIMessageChunk(content=content, **fields)


def end(**metadata: Any) -> AIMessageChunk:
    return chunk(response_metadata=metadata)


@pytest.mark.parametrize(
    ("metadata", "kind"),
    [
        ({"finish_reason": "stop"}, None),
        ({"stop_reason": "end_turn"}, None),
        ({"finish_reason": "length"}, "length"),
        ({"stop_reason": "max_tokens"}, "length"),
        ({"finish_reason": "MAX_TOKENS"}, "length"),
        ({"finish_reason": "FinishReason.MAX_TOKENS"}, "length"),
        ({"done_reason": "length"}, "length"),
        ({"incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ({"finish_reason": "content_filter"}, "content_filter"),
        ({"finish_reason": "SAFETY"}, "content_filter"),
        ({"stopReason": "guardrail_intervened"}, "content_filter"),
        ({"stop_reason": "refusal"}, "refusal"),
        ({"finish_reason": "error"}, "cut_off"),
    ],
)
async def test_every_spelling_of_an_end_marks_the_answer(
    metadata: dict[str, Any], kind: str | None
) -> None:
    assert finish_kind(metadata) == kind
    reply = await call_for_answer(
        ChunkModel(answers=[[chunk("Blue and"), end(**metadata)]]), PROMPT
    )
    mark = incomplete_of(reply)
    assert (mark and mark["kind"]) == kind
    assert reply.text == "Blue and"


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk("<th"), chunk("ink>plan</thi"), chunk("nk>\n\nBlue.")],
        [chunk(letter) for letter in "<THINK>plan</THINK>Blue."],
        [chunk("plan\n</think>\n\nBlue.")],
        [chunk(additional_kwargs={"reasoning_content": "plan"}), chunk("Blue.")],
        [chunk(additional_kwargs={"reasoning": "plan"}), chunk("\nBlue.")],
        [
            chunk([{"type": "thinking", "thinking": "plan"}]),
            chunk([{"type": "text", "text": "Blue."}]),
        ],
        [
            chunk([{"type": "thinking", "thinking": [{"type": "text", "text": "plan"}]}]),
            chunk("Blue."),
        ],
    ],
)
async def test_reasoning_stands_beside_the_answer(chunks: list[AIMessageChunk]) -> None:
    reply = await call_for_answer(ChunkModel(answers=[chunks]), PROMPT)
    assert reply.content == "Blue."
    assert reply.additional_kwargs == {REASONING: "plan"}


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk(""), end(finish_reason="stop")],
        [chunk(" \n"), end(finish_reason="length")],
        [chunk(additional_kwargs={"reasoning_content": "hmm"}), end(finish_reason="stop")],
        [chunk("<think>never closed")],
        [chunk(tool_call_chunks=[{"name": "search", "args": "{", "id": "1", "index": 0}])],
    ],
)
async def test_an_empty_answer_is_retried_once(chunks: list[AIMessageChunk]) -> None:
    model = ChunkModel(answers=[chunks, [chunk("Blue.")]])
    assert (await call_for_answer(model, PROMPT)).text == "Blue."
    model = ChunkModel(answers=[chunks])
    with pytest.raises(EmptyAnswer, match="answered nothing") as caught:
        await call_for_answer(model, PROMPT)
    assert (caught.value.exit_code, model.calls) == (4, 2)


async def test_a_refusal_is_the_answer_and_marked() -> None:
    chunks = [chunk(additional_kwargs={"refusal": "I cannot."}), end(finish_reason="stop")]
    reply = await call_for_answer(ChunkModel(answers=[chunks]), PROMPT)
    mark = incomplete_of(reply)
    assert mark
    assert (reply.text, mark["kind"]) == ("I cannot.", "refusal")


async def test_a_call_beside_words_is_dropped_and_marks_the_answer() -> None:
    call = {"name": "search", "args": '{"q": "x"}', "id": "1", "index": 0}
    reply = await call_for_answer(
        ChunkModel(answers=[[chunk("Let me see.", tool_call_chunks=[call])]]), PROMPT
    )
    mark = incomplete_of(reply)
    assert isinstance(reply, AIMessage)
    assert mark
    assert (mark["kind"], reply.tool_calls) == ("tool_call", [])
