"""An HTTP client for chat completions as servers are: it leaves out what one refuses.

A refused request is sent again in a form that the server takes, which is remembered. A JSON reply
to a streamed call becomes a stream; an error object with status 200 gets an error's status.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx2
import openai

from threadkeep.models.server_quirks import (
    MAX_CHANGES,
    REFUSALS,
    Body,
    ServerQuirks,
    adapt,
    quirk_in,
)


class AdaptingClient(openai.DefaultAsyncHttpxClient):
    """An async client that adapts requests and replies of `/chat/completions`."""

    def __init__(self, quirks: ServerQuirks, **options: Any) -> None:
        super().__init__(**options)
        self._quirks = quirks

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Send a request, in another form where the server refuses it."""
        body = _body_of(request)
        if body is None:
            return await super().send(request, **options)
        server = f"{request.url.copy_with(query=None, userinfo=b'')} {body.get('model')}"
        earlier = await asyncio.to_thread(self._quirks.of, server)
        quirks = set(earlier)
        for _ in range(MAX_CHANGES):
            response = await super().send(_with_body(request, adapt(body, quirks)), **options)
            response = await _readable(response, streams=bool(body.get("stream")))
            if response.status_code not in REFUSALS:
                break
            error = (await response.aread()).decode(errors="replace")
            quirk = quirk_in(response.status_code, error, body, quirks)
            if quirk is None:
                break
            await response.aclose()
            quirks.add(quirk)
        if response.status_code < 400 and quirks - earlier:
            await asyncio.to_thread(self._quirks.learn, server, quirks)
        return response


def _body_of(request: httpx2.Request) -> Body | None:
    if request.method != "POST" or not request.url.path.endswith("/chat/completions"):
        return None
    body = json.loads(request.content)
    return body if isinstance(body, dict) else None


def _with_body(request: httpx2.Request, body: Body) -> httpx2.Request:
    headers = {
        name: value for name, value in request.headers.items() if name.lower() != "content-length"
    }
    return httpx2.Request(
        request.method,
        request.url,
        headers=headers,
        content=json.dumps(body, ensure_ascii=True).encode(),
        extensions=request.extensions,
    )


async def _readable(response: httpx2.Response, *, streams: bool) -> httpx2.Response:
    """Return a reply with JSON in the form that its call expects."""
    if response.status_code != 200 or "json" not in response.headers.get("content-type", ""):
        return response
    content = await response.aread()
    try:
        reply = json.loads(content)
    except ValueError:
        return response
    if not isinstance(reply, Mapping):
        return response
    if not reply.get("choices") and (error := reply.get("error")):
        code = error.get("code") if isinstance(error, Mapping) else None
        status = code if isinstance(code, int) and 400 <= code < 600 else 502
        return httpx2.Response(status, json=reply, request=response.request)
    if not streams or not isinstance(reply.get("choices"), list):
        return response
    event = {**reply, "choices": [_delta(choice) for choice in reply["choices"]]}
    return httpx2.Response(
        200,
        headers={"content-type": "text/event-stream"},
        content=f"data: {json.dumps(event)}\n\ndata: [DONE]\n\n".encode(),
        request=response.request,
    )


def _delta(choice: Any) -> Any:
    """Return a choice of a whole reply as one of a stream."""
    if not isinstance(choice, Mapping) or not isinstance(choice.get("message"), Mapping):
        return choice
    message = dict(choice["message"])
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        message["tool_calls"] = [{"index": place, **call} for place, call in enumerate(calls)]
    return {"index": 0, "finish_reason": "stop", **choice, "delta": message}
