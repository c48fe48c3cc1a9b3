import asyncio
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.load import dumps
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langgraph.graph import START, MessagesState, StateGraph
from pydantic import BaseModel, SecretStr

from threadkeep.base.errors import NoModel, ProviderFailed
from threadkeep.models import faults as errors
from threadkeep.models.finish import CUT_OFF
from threadkeep.models.openai import is_loopback, open_openai
from threadkeep.models.openai_errors import retry_after
from threadkeep.models.retries import RetryPolicy
from threadkeep.testing import Fault, Reply, ScriptedServer, Usage, scripted_server

KEY = "sk-verysecret0123456789"


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as running:
        yield running


def model_of(server: ScriptedServer, **policy: Any) -> BaseChatModel:
    retry_policy = RetryPolicy(**{"first_pause": 0.02, **policy})
    return open_openai("scripted", SecretStr(KEY), server.base_url, retry_policy)


class City(BaseModel):
    name: str


def one_node(model: BaseChatModel) -> Any:
    """Return a graph whose only node asks the model."""

    async def call_model(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    return StateGraph(MessagesState).add_node(call_model).add_edge(START, "call_model").compile()


async def stream(model: BaseChatModel, text: str = "hello") -> AIMessageChunk:
    """Return all chunks as one message."""
    whole = AIMessageChunk(content="")
    async for chunk in model.astream(text):
        assert isinstance(chunk, AIMessageChunk)
        whole += chunk
    return whole


async def test_an_answer_arrives_word_by_word_with_its_usage(server: ScriptedServer) -> None:
    server.script(Reply("one two three", usage=Usage(prompt=90, completion=3, cached=64)))
    model = model_of(server)
    chunks = [chunk async for chunk in model.astream("count")]
    assert [chunk.text for chunk in chunks if chunk.text] == ["one", " two", " three"]
    usage = next(
        c.usage_metadata for c in chunks if isinstance(c, AIMessageChunk) and c.usage_metadata
    )
    assert (usage["input_tokens"], usage["output_tokens"]) == (90, 3)
    assert usage["input_token_details"]["cache_read"] == 64


async def test_an_answer_without_streaming_has_its_usage_too(server: ScriptedServer) -> None:
    reply = await model_of(server).ainvoke("echo this")
    assert reply.text == "echo this"
    assert isinstance(reply, AIMessage)
    assert reply.usage_metadata
    assert reply.usage_metadata["input_tokens"] == 11
    assert reply.response_metadata["finish_reason"] == "stop"
    assert server.requests[0]["model"] == "scripted"


async def test_langgraph_streams_the_words_of_a_node(server: ScriptedServer) -> None:
    graph = one_node(model_of(server))
    start: MessagesState = {"messages": [HumanMessage("one two three")]}
    parts = [part async for part in graph.astream(start, stream_mode="messages")]
    words = [message.text for message, _ in map(tuple, parts)]
    assert [word for word in words if word] == ["one", " two", " three"]
    assert server.requests[0]["stream"] is True


async def test_tools_and_structured_output_go_through(server: ScriptedServer) -> None:
    server.script(Reply(tool_calls=[("City", {"name": "Bergen"})]), {"name": "Oslo"})
    model = model_of(server)
    reply = await model.bind_tools([City]).ainvoke("where")
    assert reply.tool_calls[0]["args"] == {"name": "Bergen"}
    answer = await model.with_structured_output(City, method="json_schema").ainvoke("where")
    assert answer == City(name="Oslo")
    assert server.requests[1]["response_format"]["type"] == "json_schema"


def status(number: int, message: str = "no", **more: Any) -> Fault:
    return Fault(status=number, body={"error": {"message": message, **more}})


def events(body: str) -> Fault:
    return Fault(status=200, body=body, headers={"Content-Type": "text/event-stream"})


OVERFLOW_OPENAI = status(
    400,
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000.",
    code="context_length_exceeded",
)
OVERFLOW_LLAMA = status(
    400,
    "the request exceeds the available context size, try increasing it",
    type="exceed_context_size_error",
    n_ctx=4096,
)
OVERFLOW_VLLM = Fault(
    status=400,
    body={"object": "error", "message": "This model's maximum context length is 2048 tokens."},
)
QUOTA = status(429, "You exceeded your current quota", code="insufficient_quota")

FAULTS: Mapping[str, tuple[Fault | Reply, type[ProviderFailed], int, str]] = {
    "key": (status(401, f"Incorrect API key provided: {KEY}"), errors.KeyRefused, 3, "API_KEY"),
    "forbidden": (status(403), errors.KeyRefused, 3, "OPENAI_API_KEY"),
    "unknown": (status(404, "model not found"), errors.UnknownModel, 3, "'scripted'"),
    "quota": (QUOTA, errors.QuotaUsedUp, 4, "billing"),
    "refused": (status(400, f"bad option {KEY}"), errors.RequestRefused, 4, "bad option"),
    "overflow, OpenAI": (OVERFLOW_OPENAI, errors.ContextOverflow, 4, "8,192"),
    "overflow, llama.cpp": (OVERFLOW_LLAMA, errors.ContextOverflow, 4, "4,096"),
    "overflow, vLLM": (OVERFLOW_VLLM, errors.ContextOverflow, 4, "2,048"),
    "page": (Fault(status=200, body="<html>hello</html>"), errors.BrokenReply, 4, "BASE_URL"),
    "json": (Fault(status=200, body='{"choices": ['), errors.BrokenReply, 4, "BASE_URL"),
}


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("name", FAULTS)
async def test_a_lasting_fault_is_one_sentence_after_one_try(
    server: ScriptedServer, name: str, streaming: bool
) -> None:
    fault, kind, exit_code, remedy = FAULTS[name]
    if streaming and isinstance(fault, Fault) and fault.status == 200:
        fault = events(f"data: {fault.body}\n\n")
    server.script(fault)
    model = model_of(server)
    with pytest.raises(kind) as caught:
        await (stream(model) if streaming else model.ainvoke("hello"))
    text = str(caught.value)
    assert caught.value.exit_code == exit_code
    assert remedy in text
    assert text.endswith(".")
    assert "\n" not in text
    assert KEY not in text
    assert caught.value.__context__ is None
    assert len(server.requests) == 1


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (status(429, "slow down"), errors.RateLimited),
        (status(500), errors.ProviderServerFailed),
        (status(503), errors.ProviderServerFailed),
        (Fault(kind="reset"), errors.Unreachable),
    ],
    ids=["429", "500", "503", "reset"],
)
async def test_a_passing_fault_is_tried_again_twice(
    server: ScriptedServer, fault: Fault, kind: type[ProviderFailed], streaming: bool
) -> None:
    model = model_of(server)
    server.script(fault, fault, "at last")
    reply = await (stream(model) if streaming else model.ainvoke("hello"))
    assert reply.text == "at last"
    server.script(fault, fault, fault, "too late")
    with pytest.raises(kind) as caught:
        await (stream(model) if streaming else model.ainvoke("hello"))
    assert caught.value.exit_code == 4
    assert len(server.requests) == 6


@pytest.mark.parametrize("choices", [None, "x", 7, [7], [{}]])
async def test_choices_of_another_kind_are_a_broken_reply(
    server: ScriptedServer, choices: Any
) -> None:
    server.script(Fault(status=200, body={"choices": choices}))
    with pytest.raises(errors.BrokenReply, match="OPENAI_BASE_URL"):
        await model_of(server).ainvoke("hello")


async def test_no_choices_at_all_is_a_broken_reply(server: ScriptedServer) -> None:
    no_choices = Fault(status=200, body={"id": "x", "choices": [], "usage": Usage().body()})
    server.script(no_choices)
    with pytest.raises(errors.BrokenReply, match="without any choice"):
        await model_of(server).ainvoke("hello")
    server.script(events('data: {"id": "x", "choices": []}\n\ndata: [DONE]\n\n'))
    with pytest.raises(errors.BrokenReply, match="before its first word"):
        await stream(model_of(server, retries=0))


async def test_a_server_that_asks_to_wait_is_waited_for(server: ScriptedServer) -> None:
    server.script(Fault(status=429, headers={"Retry-After": "1"}), "thanks")
    started = time.monotonic()
    assert (await stream(model_of(server))).text == "thanks"
    assert 0.95 < time.monotonic() - started < 5


async def test_a_server_that_asks_for_too_long_a_wait_fails_at_once(server: ScriptedServer) -> None:
    server.script(Fault(status=429, headers={"Retry-After": "90"}), "too late")
    started = time.monotonic()
    with pytest.raises(errors.RateLimited, match="again in 90 s"):
        await stream(model_of(server))
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("ending", ["no_finish", "cut", "reset", "hang"])
async def test_the_text_of_a_broken_stream_stays_and_is_marked(
    server: ScriptedServer, ending: Any
) -> None:
    server.script(Reply("half a sentence", ending=ending))
    reply = await stream(model_of(server, idle=0.3))
    assert reply.text == "half a sentence"
    assert reply.response_metadata["finish_reason"] == CUT_OFF
    assert len(server.requests) == 1


async def test_a_graph_gets_a_partial_answer_as_its_message(
    server: ScriptedServer,
) -> None:
    server.script(Reply("half a sentence", ending="reset"))
    graph = one_node(model_of(server))
    start: MessagesState = {"messages": [HumanMessage("hello")]}
    states = [
        part
        async for mode, part in graph.astream(start, stream_mode=["messages", "values"])
        if mode == "values"
    ]
    reply = states[-1]["messages"][-1]
    assert (reply.text, reply.response_metadata["finish_reason"]) == ("half a sentence", CUT_OFF)


async def test_a_partial_json_document_is_an_error(server: ScriptedServer) -> None:
    server.script(Reply('{"name": "Os lo', ending="no_finish"))
    model = model_of(server).with_structured_output(City, method="json_schema")
    with pytest.raises(ProviderFailed):
        async for _ in model.astream("where"):
            pass


async def test_a_message_that_cannot_be_sent_is_our_defect_and_not_the_servers(
    server: ScriptedServer,
) -> None:
    class Odd(BaseMessage):
        type: str = "odd"

    with pytest.raises(TypeError):
        await model_of(server).ainvoke([Odd(content="hello")])


def test_one_model_serves_one_event_loop_after_another() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    model = open_openai("scripted", None, f"http://127.0.0.1:{port}/v1")

    async def once() -> str:
        async with scripted_server(port=port):
            return (await stream(model)).text

    assert [asyncio.run(once()) for _ in range(3)] == ["hello"] * 3


async def test_a_partial_tool_call_is_an_error(server: ScriptedServer) -> None:
    server.script(Reply("I will look", tool_calls=[("weather", {})], ending="cut"))
    with pytest.raises(ProviderFailed):
        await stream(model_of(server))


async def test_a_stream_that_breaks_before_its_first_word_is_tried_again(
    server: ScriptedServer,
) -> None:
    server.script(Reply("", ending="cut"), Reply("", ending="no_finish"), "whole")
    reply = await stream(model_of(server))
    assert (reply.text, reply.response_metadata["finish_reason"]) == ("whole", "stop")


async def test_an_error_inside_a_stream_is_explained(server: ScriptedServer) -> None:
    def event(message: str) -> Fault:
        error = json.dumps({"error": {"message": message, "code": 500}})
        return events(f"data: {error}\n\n")

    server.script(event("the request exceeds the available context size"))
    with pytest.raises(errors.ContextOverflow):
        await stream(model_of(server))
    server.script(event("out of memory"))
    with pytest.raises(errors.ProviderServerFailed, match="out of memory"):
        await stream(model_of(server, retries=0))


@pytest.mark.parametrize("streaming", [True, False])
async def test_a_server_that_hangs_meets_the_total_deadline(
    server: ScriptedServer, streaming: bool
) -> None:
    server.script(Fault(kind="hang"))
    model = model_of(server, total=0.4)
    started = time.monotonic()
    with pytest.raises(errors.TooSlow, match=r"in 0\.4 s"):
        await (stream(model) if streaming else model.ainvoke("hello"))
    assert time.monotonic() - started < 3


async def test_a_stream_that_never_ends_meets_the_total_deadline(server: ScriptedServer) -> None:
    server.delay_between = 0.1
    server.script(Reply("word " * 100))
    started = time.monotonic()
    reply = await stream(model_of(server, total=0.8))
    assert time.monotonic() - started < 4
    assert reply.response_metadata["finish_reason"] == CUT_OFF
    assert reply.text.startswith("word")


async def test_the_first_word_may_take_longer_than_a_pause_between_words(
    server: ScriptedServer,
) -> None:
    server.delay_first = 0.6
    server.script("slow start")
    assert (await stream(model_of(server, idle=0.3))).text == "slow start"


async def test_stopping_the_reader_ends_the_request(server: ScriptedServer) -> None:
    server.delay_between = 0.05
    server.script(Reply("word " * 200))
    model = model_of(server)
    reading = asyncio.create_task(stream(model))
    await asyncio.sleep(0.5)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert (await stream(model, "still there")).text == "still there"


async def test_an_unreachable_server_is_named_without_its_password() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://someone:hidden@127.0.0.1:{port}/v1"
    model = open_openai("any", None, address, RetryPolicy(retries=0))
    with pytest.raises(errors.Unreachable, match=f"http://127.0.0.1:{port} cannot be reached") as e:
        await model.ainvoke("hello")
    assert "hidden" not in str(e.value)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "OPENAI_PROXY"])
async def test_no_proxy_is_used_for_this_machine(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    assert (await stream(model_of(server))).text == "hello"


async def test_the_environment_does_not_choose_the_server(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_BASE", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-another")
    assert (await stream(model_of(server))).text == "hello"
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


async def test_the_key_is_in_no_log_no_repr_and_no_dump(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    model = model_of(server)
    server.script("fine", status(401, f"bad key {KEY}"))
    await stream(model)
    with pytest.raises(NoModel):
        await stream(model)
    texts = [caplog.text, repr(model), str(model), dumps(model), repr(vars(model))]
    assert not [text for text in texts if KEY in text]
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


async def test_counting_through_the_model_needs_no_download(server: ScriptedServer) -> None:
    model = model_of(server)
    assert model.get_num_tokens("hello world") == 2
    assert model.get_num_tokens_from_messages([HumanMessage("hello world")]) == 9


def test_the_wrapper_alone_loads_nothing_heavy() -> None:
    code = (
        "import sys, threadkeep.models.openai, threadkeep.models.openai_errors\n"
        "import threadkeep.models.choice\n"
        "heavy = {'openai', 'langchain_openai', 'langchain', 'httpx', 'tiktoken'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    env = {**os.environ, "PYTHONPATH": "."}
    run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert run.stdout == "[]\n", run.stderr


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("http://127.0.0.1:8080/v1", True),
        ("http://localhost:11434/v1", True),
        ("http://[::1]:1234/v1", True),
        ("http://127.8.9.1/v1", True),
        ("https://api.openai.com/v1", False),
        ("http://localhost.example.com/v1", False),
        ("http://192.168.0.2:8080/v1", False),
    ],
)
def test_only_this_machine_is_loopback(address: str, loopback: bool) -> None:
    assert is_loopback(address) is loopback


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 0.5 "}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "9" * 5_000}, None),
    ],
)
def test_every_form_of_retry_after_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds
