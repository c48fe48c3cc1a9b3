"""A scripted OpenAI-compatible server on loopback: replies, faults, delays, and a log of requests.

Standard library only. `async with scripted_server() as server:` and then
`server.script(Reply("Hello"), Fault(status=429), ...)`; an empty script echoes the last message.
"""

import asyncio
import json
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal

Ending = Literal["done", "no_finish", "cut", "reset", "hang"]


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What the server says the call took."""

    prompt: int = 11
    completion: int = 7
    cached: int = 0

    def body(self) -> dict[str, Any]:
        """Return it as OpenAI writes it."""
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.prompt + self.completion,
            "prompt_tokens_details": {"cached_tokens": self.cached},
        }


@dataclass(frozen=True)
class Reply:
    """An answer; `ending` is how its stream stops: as it should, or broken in some way."""

    text: str = ""
    _: KW_ONLY
    tool_calls: Sequence[tuple[str, Mapping[str, Any]]] = ()
    usage: Usage | None = Usage()
    """None: the server reports nothing."""
    finish_reason: str = "stop"
    ending: Ending = "done"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something else than an answer: a status with a body, or no HTTP at all."""

    status: int = 500
    body: str | Mapping[str, Any] = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: Literal["status", "reset", "hang"] = "status"


@dataclass
class ScriptedServer:
    """What a test holds: the script, the delays in seconds, and every request so far."""

    models: list[str] = field(default_factory=lambda: ["scripted"])
    delay_first: float = 0.0
    delay_between: float = 0.0
    port: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)
    """The JSON bodies of all chat requests, oldest first."""
    headers: list[dict[str, str]] = field(default_factory=list)
    """The headers of all requests, names in lower case."""
    answer: Callable[[dict[str, Any]], Reply | Fault] = field(
        default_factory=lambda: lambda asked: Reply(_last_text(asked))
    )
    """What is answered when the script is empty: by default the last message's text."""
    _script: deque[Reply | Fault] = field(default_factory=deque)

    @property
    def base_url(self) -> str:
        """The address for `OPENAI_BASE_URL`."""
        return f"http://127.0.0.1:{self.port}/v1"

    def script(self, *steps: Reply | Fault | str | Mapping[str, Any]) -> None:
        """Queue what is answered next; a text is a reply, a mapping a reply of its JSON."""
        for step in steps:
            if isinstance(step, Mapping):
                step = json.dumps(step, ensure_ascii=False)
            self._script.append(Reply(step) if isinstance(step, str) else step)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while await self._answer(*await _read(reader), writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # The client has gone.
        finally:
            writer.close()

    async def _answer(
        self, line: str, headers: dict[str, str], body: bytes, out: asyncio.StreamWriter
    ) -> bool:
        """Answer one request and tell whether the connection goes on."""
        self.headers.append(headers)
        method, path, version = line.split(" ", 2)
        if (method, path) == ("GET", "/v1/models"):
            listed = [{"id": name, "object": "model"} for name in self.models]
            await _send(out, 200, {"object": "list", "data": listed})
            return version == "HTTP/1.1"
        if (method, path) != ("POST", "/v1/chat/completions"):
            await _send(out, 404, {"error": {"message": f"No such address: {path}"}})
            return True
        asked = json.loads(body)
        self.requests.append(asked)
        step = self._script.popleft() if self._script else self.answer(asked)
        await asyncio.sleep(self.delay_first)
        if isinstance(step, Fault):
            return await _fail(step, out)
        if not asked.get("stream"):
            await _send(out, 200, _completion(asked, step))
            return True
        return await self._stream(asked, step, out)

    async def _stream(self, asked: dict[str, Any], reply: Reply, out: asyncio.StreamWriter) -> bool:
        out.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        for chunk in _chunks(asked, reply):
            await _event(out, json.dumps(chunk))
            await asyncio.sleep(self.delay_between)
        if reply.ending == "hang":
            await asyncio.sleep(3_600)
        if reply.ending == "reset":
            _reset(out)
        if reply.ending in ("cut", "reset"):
            return False
        if reply.ending == "done":
            await _event(out, "[DONE]")
        out.write(b"0\r\n\r\n")
        await out.drain()
        return True


@asynccontextmanager
async def scripted_server(
    models: Sequence[str] = ("scripted",), *, port: int = 0
) -> AsyncIterator[ScriptedServer]:
    """Run the server on 127.0.0.1 at a free port; leaving ends every open answer."""
    state = ScriptedServer(models=list(models))
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(state.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
        await asyncio.sleep(0)  # The closed sockets are let go in the next round of the loop.


async def _read(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    """Return request line, headers and body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (h.partition(":") for h in rest)}
    return line, headers, await reader.readexactly(int(headers.get("content-length", 0)))


async def _send(
    out: asyncio.StreamWriter,
    status: int,
    body: str | Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
) -> None:
    data = (body if isinstance(body, str) else json.dumps(body)).encode()
    fields = {"Content-Type": "application/json", "Content-Length": len(data), **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    out.write(f"HTTP/1.1 {status} Scripted\r\n{lines}\r\n".encode() + data)
    await out.drain()


async def _event(out: asyncio.StreamWriter, data: str) -> None:
    event = f"data: {data}\n\n".encode()
    out.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
    await out.drain()


async def _fail(fault: Fault, out: asyncio.StreamWriter) -> bool:
    if fault.kind == "hang":
        await asyncio.sleep(3_600)
    if fault.kind == "reset":
        _reset(out)
        return False
    await _send(out, fault.status, fault.body, fault.headers)
    return True


def _reset(out: asyncio.StreamWriter) -> None:
    """End the connection with RST instead of FIN."""
    linger = struct.pack("ii", 1, 0)
    out.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    out.transport.abort()


def _last_text(asked: Mapping[str, Any]) -> str:
    content = asked["messages"][-1].get("content") or ""
    return content if isinstance(content, str) else json.dumps(content)


def _completion(asked: Mapping[str, Any], reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.tool_calls:
        message["tool_calls"] = _calls(reply)
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply)}
    usage = {"usage": reply.usage.body()} if reply.usage else {}
    return {**_frame(asked, "chat.completion"), "choices": [choice], **usage}


def _chunks(asked: Mapping[str, Any], reply: Reply) -> list[dict[str, Any]]:
    """Return the stream's chunks: the role, the words, the calls, the finish, the usage."""
    words = reply.text.split(" ")
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": " " * bool(at) + word} for at, word in enumerate(words) if reply.text]
    deltas += [{"tool_calls": [{"index": at, **call}]} for at, call in enumerate(_calls(reply))]
    frame = _frame(asked, "chat.completion.chunk")
    chunks = [
        {**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        for delta in deltas
    ]
    if reply.ending == "done":
        end = {"index": 0, "delta": {}, "finish_reason": _finish(reply)}
        chunks.append({**frame, "choices": [end]})
        if reply.usage and (asked.get("stream_options") or {}).get("include_usage"):
            chunks.append({**frame, "choices": [], "usage": reply.usage.body()})
    return chunks


def _calls(reply: Reply) -> list[dict[str, Any]]:
    return [
        {
            "id": f"call_{at}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(args)},
        }
        for at, (name, args) in enumerate(reply.tool_calls)
    ]


def _finish(reply: Reply) -> str:
    return "tool_calls" if reply.tool_calls else reply.finish_reason


def _frame(asked: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": asked.get("model", "")}
