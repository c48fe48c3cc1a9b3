"""The fakes for other people's tests: a scripted chat model and a scripted server."""

import subprocess
import sys
from pathlib import Path

import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage
from langchain_core.tools import tool

from benchmarks.scripted_thread import open_scripted
from threadkeep import Settings, open_memory
from threadkeep.models.openai import open_openai
from threadkeep.prompt.extraction_prompt import instructions
from threadkeep.prompt.templates import SUMMARIZE
from threadkeep.testing import (
    NO_FACTS,
    Reply,
    ScriptedChatModel,
    Usage,
    purpose_of,
    scripted_server,
)


async def test_the_model_answers_from_its_script_and_records_its_prompts() -> None:
    model = ScriptedChatModel("One.", Reply("Two.", usage=Usage(prompt=5, completion=2)))
    assert (await model.ainvoke("first")).text == "One."
    reply = model.invoke([HumanMessage("second")])
    assert reply.text == "Two."
    assert reply.usage_metadata is not None
    assert reply.usage_metadata["total_tokens"] == 7
    assert [prompt[-1].text for prompt in model.prompts] == ["first", "second"]


async def test_with_an_empty_script_the_model_repeats_the_last_message() -> None:
    model = ScriptedChatModel()
    assert (await model.ainvoke("hello there")).text == "hello there"
    model.script("scripted again")
    assert (await model.ainvoke("hello there")).text == "scripted again"


async def test_the_model_streams_word_by_word_in_both_ways() -> None:
    model = ScriptedChatModel("one two three", "one two three")
    chunks = [chunk async for chunk in model.astream("x")]
    assert [chunk.text for chunk in chunks] == ["one ", "two ", "three", ""]
    assert [chunk.text for chunk in model.stream("x")] == ["one ", "two ", "three", ""]
    total = chunks[0]
    for chunk in chunks[1:]:
        total += chunk
    assert isinstance(total, AIMessageChunk)
    assert total.usage_metadata is not None
    assert total.response_metadata["finish_reason"] == "stop"


@pytest.mark.parametrize("streaming", [False, True])
async def test_the_model_calls_tools_and_raises_errors(streaming: bool) -> None:
    @tool
    def search(query: str) -> str:
        """Search."""
        return query

    scripted = ScriptedChatModel(Reply(tool_calls=[("search", {"query": "x"})]), OSError("gone"))
    model = scripted.bind_tools([search])

    async def call() -> list[dict[str, object]]:
        if not streaming:
            return [dict(call) for call in (await model.ainvoke("find x")).tool_calls]
        chunks = [chunk async for chunk in model.astream("find x")]
        assert isinstance(chunks[-1], AIMessageChunk)
        return [dict(call) for call in chunks[-1].tool_calls]

    (tool_call,) = await call()
    assert (tool_call["name"], tool_call["args"]) == ("search", {"query": "x"})
    assert scripted.tools == [search]
    with pytest.raises(OSError, match="gone"):
        await call()


async def test_requests_for_summaries_and_facts_leave_the_script_alone() -> None:
    model = ScriptedChatModel("Only the answer.", summary="They met.")
    summarize = SUMMARIZE.format(words=9, previous="", messages="user: hello")
    extract = instructions() + "hello"
    assert (purpose_of(summarize), purpose_of(extract)) == ("summary", "extraction")
    assert (await model.ainvoke(summarize)).text == "They met."
    assert (await model.ainvoke(extract)).text == NO_FACTS
    assert (await model.ainvoke("hello")).text == "Only the answer."
    assert model.private_prompts == [summarize, extract]
    assert len(model.prompts) == 1


async def test_the_agent_answers_with_the_scripted_model(tmp_path: Path) -> None:
    model = ScriptedChatModel("Bergen it is.", "You live in Bergen.")
    questions = ["I live in Bergen.", "Where do I live?"]
    async with open_memory(Settings(home=tmp_path), model=model) as memory:
        for text in questions:
            turn = await memory.say(text, thread="first", user_id="ada")
            await turn.finished()
    assert turn.reply == "You live in Bergen."
    assert [prompt[-1].text for prompt in model.prompts] == [
        "I live in Bergen.",
        "Where do I live?",
    ]
    assert len(model.private_prompts) == 2


async def test_the_server_answers_from_its_script_and_records_its_requests() -> None:
    async with scripted_server() as server:
        server.script("Hello.")
        model = open_openai("scripted", None, server.base_url)
        assert (await model.ainvoke("Hi")).text == "Hello."
        assert server.requests[0]["messages"][-1]["content"] == "Hi"


async def test_a_scripted_thread_runs_the_agent_and_sorts_its_requests_by_purpose() -> None:
    async with open_scripted() as thread:
        output = await thread.say("I live in Bergen.")
        assert output["messages"][-1].text == "Noted."
        assert thread.prompts[0][-1]["content"] == "I live in Bergen."
        assert len(thread.server.requests) == 2


def test_the_fakes_load_neither_pytest_nor_the_agent() -> None:
    program = (
        "import sys, threadkeep; assert 'threadkeep.testing' not in sys.modules\n"
        "import threadkeep.testing\n"
        "print({'pytest', 'threadkeep.graph.agent', 'langgraph', 'chromadb'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", program]
    assert subprocess.check_output(command, text=True).strip() == "set()"
