"""Access middleware for every route: require a user, and limit the size of bodies."""

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from threadkeep.base.user import acting_as

PUBLIC_PATHS = ("/", "/ok", "/ready", "/info", "/docs", "/openapi.json")
"""Paths that need no user: whether the server runs, and what it can do."""
INTERNAL = "/noauth"
"""The root path of the server's requests to itself; no client can set it."""
MAX_BYTES = 2_000_000
IMPORT = "/me/import"
MAX_IMPORT_BYTES = 256_000_000
"""An export holds all of a user's messages."""


class AccessMiddleware:
    """ASGI middleware after authentication; a request acts as its user."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket") or scope.get("root_path") == INTERNAL:
            await self.app(scope, receive, send)
            return
        user = scope.get("user")
        if user is None or not user.is_authenticated:
            if _is_public(scope):
                await self.app(scope, receive, send)
            else:
                await _refuse(scope, receive, send, 404, "Not Found")
            return
        limit = MAX_IMPORT_BYTES if scope["path"] == IMPORT else MAX_BYTES
        if _content_length(scope) > limit:
            await _refuse(scope, receive, send, 413, _too_large(limit))
            return
        scope["app"].state.recovery.start(user.identity)
        with acting_as(user.identity):
            await self.app(scope, _limited(receive, limit), send)


def _is_public(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["method"] == "GET" and scope["path"] in PUBLIC_PATHS


def _too_large(limit: int) -> str:
    return f"The request is larger than {limit:,} bytes; send less at once."


def _limited(receive: Receive, limit: int) -> Receive:
    """Return a `receive` that raises an error once a body exceeds `limit` bytes."""
    size = 0

    async def receive_limited() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body") or b"")
        if size > limit:
            raise HTTPException(413, _too_large(limit))
        return message

    return receive_limited


def _content_length(scope: Scope) -> int:
    for name, value in scope.get("headers") or ():
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return 0


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, detail: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": detail})
        return
    await JSONResponse({"detail": detail}, status_code=status)(scope, receive, send)
