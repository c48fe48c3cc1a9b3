"""Access middleware in front of every route: a user is needed, and bodies are bounded."""

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from threadkeep.base.user import acting_as
from threadkeep.server.recovery import recover_turns

OPEN = ("/", "/ok", "/ready", "/info", "/docs", "/openapi.json")
"""Paths that need no user: whether the server runs, and what it can do."""
INSIDE = "/noauth"
"""The root path of the server's requests to itself; no client can set it."""
MOST_BYTES = 2_000_000
IMPORT = "/me/import"
MOST_IMPORT_BYTES = 256_000_000
"""An export holds all of a user's messages."""


class AccessMiddleware:
    """ASGI middleware behind authentication; a request acts as its user."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket") or scope.get("root_path") == INSIDE:
            await self.app(scope, receive, send)
            return
        user = scope.get("user")
        if user is None or not user.is_authenticated:
            if scope["type"] == "http" and scope["path"] in OPEN and scope["method"] == "GET":
                await self.app(scope, receive, send)
            else:
                await _answer(scope, receive, send, 404, "Not Found")
            return
        limit = MOST_IMPORT_BYTES if scope["path"] == IMPORT else MOST_BYTES
        if _content_length(scope) > limit:
            await _answer(scope, receive, send, 413, _too_large(limit))
            return
        recover_turns(user.identity)
        with acting_as(user.identity):
            await self.app(scope, _bounded(receive, limit), send)


def _too_large(limit: int) -> str:
    return f"The request is larger than {limit:,} bytes; send less at once."


def _bounded(receive: Receive, limit: int) -> Receive:
    """Return `receive`, which gives no more than `limit` bytes of a body."""
    size = 0

    async def bounded() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body") or b"")
        if size > limit:
            raise HTTPException(413, _too_large(limit))
        return message

    return bounded


def _content_length(scope: Scope) -> int:
    for name, value in scope.get("headers") or ():
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return 0


async def _answer(scope: Scope, receive: Receive, send: Send, status: int, detail: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": detail})
        return
    await JSONResponse({"detail": detail}, status_code=status)(scope, receive, send)
