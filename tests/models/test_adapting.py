import asyncio
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
)
from pydantic import SecretStr

from threadkeep.models.faults import ProviderServerFailed, RequestRefused
from threadkeep.models.openai import open_openai
from threadkeep.models.retries import RetryPolicy
from threadkeep.models.server_quirks import adapt
from threadkeep.testing import Fault, Reply, scripted_server

PROMPT: list[BaseMessage] = [SystemMessage("Be short."), HumanMessage("hello")]


def refusing(status: int, body: Any, is_refused: Any) -> Any:
    """Return answers of a server that refuses some requests."""
    return lambda request: (
        Fault(status=status, body=body) if is_refused(request) else Reply("Blue.")
    )


def has_system(request: dict[str, Any]) -> bool:
    return any(message["role"] == "system" for message in request["messages"])


EXTRA = {"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}
UNKNOWN = "Unrecognized request argument supplied: stream_options"
REFUSALS = [
    (
        422,
        {"detail": [EXTRA]},
        "stream_options",
    ),
    (
        400,
        {"error": {"message": UNKNOWN}},
        "stream_options",
    ),
    (400, {"error": "unknown field"}, "stream_options"),
    (400, "", "stream_options"),
    (400, {"error": {"message": "'temperature' does not support 0.5"}}, "temperature"),
    (400, {"error": {"message": "System role not supported"}}, "system"),
    (500, {"error": "Jinja: system role is not allowed"}, "system"),
    (400, {"error": {"message": "Conversation roles must alternate user/assistant"}}, "system"),
]


@pytest.mark.parametrize(("status", "body", "name"), REFUSALS)
async def test_a_refused_field_is_dropped_for_that_server(
    tmp_path: Path, status: int, body: Any, name: str
) -> None:
    def is_refused(request: dict[str, Any]) -> bool:
        return has_system(request) if name == "system" else name in request

    async with scripted_server() as server:
        server.answer = refusing(status, body, is_refused)
        for _ in range(2):
            model = open_openai(
                "scripted",
                SecretStr("k"),
                server.base_url,
                RetryPolicy(retries=0),
                temperature=0.5,
                quirks_file=tmp_path / "servers.json",
            )
            count = len(server.requests)
            assert "".join([str(chunk.text) async for chunk in model.astream(PROMPT)]) == "Blue."
        assert len(server.requests) == count + 1
        if name == "system":
            assert server.requests[-1]["messages"] == [
                {"role": "user", "content": "Be short.\n\nhello"}
            ]


async def test_a_refusal_of_the_content_is_sent_once() -> None:
    async with scripted_server() as server:
        server.answer = refusing(400, {"error": {"message": "content policy violation"}}, bool)
        with pytest.raises(RequestRefused, match="content policy"):
            await open_openai("scripted", None, server.base_url).ainvoke(PROMPT)
        assert len(server.requests) == 1


def json_reply(message: dict[str, Any]) -> Fault:
    body = {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "scripted",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }
    return Fault(status=200, body=body, headers={"Content-Type": "application/json; charset=utf-8"})


async def test_json_to_a_streamed_call_is_the_answer() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "search", "arguments": "{}"}}
    async with scripted_server() as server:
        server.script(
            json_reply({"role": "assistant", "content": "Blue."}),
            json_reply({"role": "assistant", "content": None, "tool_calls": [call]}),
        )
        model = open_openai("scripted", None, server.base_url)
        assert "".join([str(chunk.text) async for chunk in model.astream("a")]) == "Blue."
        whole = AIMessageChunk(content="")
        async for chunk in model.astream("a"):
            assert isinstance(chunk, AIMessageChunk)
            whole += chunk
        assert isinstance(whole, AIMessage)
        assert [call["name"] for call in whole.tool_calls] == ["search"]
        assert len(server.requests) == 2


async def test_an_error_object_with_status_200_is_an_error() -> None:
    async with scripted_server() as server:
        server.script(Fault(status=200, body={"error": {"message": "overloaded", "code": 503}}))
        model = open_openai("scripted", None, server.base_url, RetryPolicy(retries=0))
        with pytest.raises(ProviderServerFailed, match="503"):
            async for _ in model.astream("a"):
                pass


def test_a_picture_stays_behind_the_system_text() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    body = {
        "messages": [
            {"role": "system", "content": "Be short."},
            {"role": "user", "content": [picture]},
            {"role": "user", "content": "hello"},
        ]
    }
    (message,) = adapt(body, {"no_system", "alternate"})["messages"]
    assert message["content"] == [
        {"type": "text", "text": "Be short."},
        picture,
        {"type": "text", "text": "hello"},
    ]


async def test_sync_calls_give_the_answers_of_async_ones() -> None:
    async with scripted_server() as server:
        model = open_openai("scripted", None, server.base_url)
        answer = (await model.ainvoke("hello")).text
        for call in (
            lambda: model.invoke("hello").text,
            lambda: "".join(str(chunk.text) for chunk in model.stream("hello")),
            lambda: model.batch(["hello"])[0].text,
        ):
            assert await asyncio.to_thread(call) == answer == "hello"


async def test_content_as_a_list_of_blocks_gives_no_warning() -> None:
    def event(content: Any, finish: str | None = None) -> str:
        choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
        return f"data: {json.dumps({'id': 'x', 'choices': [choice]})}\n\n"

    body = event([{"type": "text", "text": "Blue."}]) + event("", "stop") + "data: [DONE]\n\n"
    async with scripted_server() as server:
        server.script(Fault(status=200, body=body, headers={"Content-Type": "text/event-stream"}))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model = open_openai("scripted", None, server.base_url)
            assert "".join([str(chunk.text) async for chunk in model.astream("a")]) == "Blue."
