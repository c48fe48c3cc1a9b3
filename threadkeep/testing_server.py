"""A scripted OpenAI-compatible server on this machine; import it from `threadkeep.testing`."""

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
    """The tokens that a call reports."""

    prompt: int = 11
    completion: int = 7
    cached: int = 0

    def body(self) -> dict[str, Any]:
        """Return the usage in OpenAI's format."""
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.prompt + self.completion,
            "prompt_tokens_details": {"cached_tokens": self.cached},
        }


@dataclass(frozen=True)
class Reply:
    """An answer of the model."""

    text: str = ""
    _: KW_ONLY
    tool_calls: Sequence[tuple[str, Mapping[str, Any]]] = ()
    """Names of tools, each with its arguments."""
    usage: Usage | None = Usage()
    """None: no usage is reported."""
    finish_reason: str = "stop"
    ending: Ending = "done"
    """How a server's stream ends: complete, or broken in one of these ways."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A server's failure: an HTTP status with a body, a reset connection, or no response."""

    status: int = 500
    body: str | Mapping[str, Any] = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: Literal["status", "reset", "hang"] = "status"


@dataclass
class ScriptedServer:
    """A running server: its script, its delays in seconds, and every request so far."""

    models: list[str] = field(default_factory=lambda: ["scripted"])
    delay_first: float = 0.0
    delay_between: float = 0.0
    port: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)
    """The JSON bodies of all chat requests, oldest first."""
    headers: list[dict[str, str]] = field(default_factory=list)
    """The headers of all requests, names in lower case."""
    answer: Callable[[dict[str, Any]], Reply | Fault] = field(
        default_factory=lambda: lambda request: Reply(_last_text(request))
    )
    """Makes the answer to a request when the script is empty; by default an echo."""
    _script: deque[Reply | Fault] = field(default_factory=deque)

    @property
    def base_url(self) -> str:
        """The address for `OPENAI_BASE_URL`."""
        return f"http://127.0.0.1:{self.port}/v1"

    def script(self, *steps: Reply | Fault | str | Mapping[str, Any]) -> None:
        """Queue the next answers; a text is a reply, a mapping a reply that holds its JSON."""
        for step in steps:
            if isinstance(step, Mapping):
                step = json.dumps(step, ensure_ascii=False)
            self._script.append(Reply(step) if isinstance(step, str) else step)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while await self._respond(*await _read(reader), writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # The client closed the connection.
        finally:
            writer.close()

    async def _respond(
        self, line: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request; return whether the connection stays open."""
        self.headers.append(headers)
        method, path, version = line.split(" ", 2)
        if (method, path) == ("GET", "/v1/models"):
            models = [{"id": name, "object": "model"} for name in self.models]
            await _send(writer, 200, {"object": "list", "data": models})
            return version == "HTTP/1.1"
        if (method, path) != ("POST", "/v1/chat/completions"):
            await _send(writer, 404, {"error": {"message": f"No such address: {path}"}})
            return True
        request = json.loads(body)
        self.requests.append(request)
        step = self._script.popleft() if self._script else self.answer(request)
        await asyncio.sleep(self.delay_first)
        if isinstance(step, Fault):
            return await _fail(step, writer)
        if not request.get("stream"):
            await _send(writer, 200, _completion(request, step))
            return True
        return await self._stream(request, step, writer)

    async def _stream(
        self, request: dict[str, Any], reply: Reply, writer: asyncio.StreamWriter
    ) -> bool:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        for chunk in _chunks(request, reply):
            await _send_event(writer, json.dumps(chunk))
            await asyncio.sleep(self.delay_between)
        if reply.ending == "hang":
            await asyncio.sleep(3_600)
        if reply.ending == "reset":
            _reset(writer)
        if reply.ending in ("cut", "reset"):
            return False
        if reply.ending == "done":
            await _send_event(writer, "[DONE]")
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True


@asynccontextmanager
async def scripted_server(
    models: Sequence[str] = ("scripted",), *, port: int = 0
) -> AsyncIterator[ScriptedServer]:
    """Run the server on 127.0.0.1, on a free port by default; exit ends every open response."""
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
        await asyncio.sleep(0)  # The event loop releases closed sockets in its next iteration.


async def _read(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    """Return request line, headers and body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (h.partition(":") for h in rest)}
    return line, headers, await reader.readexactly(int(headers.get("content-length", 0)))


async def _send(
    writer: asyncio.StreamWriter,
    status: int,
    body: str | Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
) -> None:
    data = (body if isinstance(body, str) else json.dumps(body)).encode()
    fields = {"Content-Type": "application/json", "Content-Length": len(data), **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    writer.write(f"HTTP/1.1 {status} Scripted\r\n{lines}\r\n".encode() + data)
    await writer.drain()


async def _send_event(writer: asyncio.StreamWriter, data: str) -> None:
    event = f"data: {data}\n\n".encode()
    writer.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
    await writer.drain()


async def _fail(fault: Fault, writer: asyncio.StreamWriter) -> bool:
    if fault.kind == "hang":
        await asyncio.sleep(3_600)
    if fault.kind == "reset":
        _reset(writer)
        return False
    await _send(writer, fault.status, fault.body, fault.headers)
    return True


def _reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with RST instead of FIN."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


def _last_text(request: Mapping[str, Any]) -> str:
    content = request["messages"][-1].get("content") or ""
    return content if isinstance(content, str) else json.dumps(content)


def _completion(request: Mapping[str, Any], reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.tool_calls:
        message["tool_calls"] = _tool_calls(reply)
    choice = {"index": 0, "message": message, "finish_reason": _finish_reason(reply)}
    usage = {"usage": reply.usage.body()} if reply.usage else {}
    return {**_envelope(request, "chat.completion"), "choices": [choice], **usage}


def _chunks(request: Mapping[str, Any], reply: Reply) -> list[dict[str, Any]]:
    """Return the stream's chunks: role, words, tool calls, finish reason, usage."""
    words = reply.text.split(" ") if reply.text else []
    calls = _tool_calls(reply)
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": " " * bool(index) + word} for index, word in enumerate(words)]
    deltas += [{"tool_calls": [{"index": index, **call}]} for index, call in enumerate(calls)]
    envelope = _envelope(request, "chat.completion.chunk")
    chunks = [
        {**envelope, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        for delta in deltas
    ]
    if reply.ending == "done":
        end = {"index": 0, "delta": {}, "finish_reason": _finish_reason(reply)}
        chunks.append({**envelope, "choices": [end]})
        if reply.usage and (request.get("stream_options") or {}).get("include_usage"):
            chunks.append({**envelope, "choices": [], "usage": reply.usage.body()})
    return chunks


def _tool_calls(reply: Reply) -> list[dict[str, Any]]:
    return [
        {
            "id": f"call_{index}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)},
        }
        for index, (name, arguments) in enumerate(reply.tool_calls)
    ]


def _finish_reason(reply: Reply) -> str:
    return "tool_calls" if reply.tool_calls else reply.finish_reason


def _envelope(request: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": request.get("model", "")}
