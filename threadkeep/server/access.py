"""In front of every route: nobody passes without a user, nothing too large, no inner doors."""

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from threadkeep.base.user import acting_as
from threadkeep.server.recovery import finish_left

OPEN = ("/", "/ok", "/ready", "/info", "/docs", "/openapi.json")
"""What is answered to everybody: whether the server is there, and what it can do."""
INSIDE = "/noauth"
"""Where requests of the server to itself come in; no client can set it."""
MOST_BYTES = 2_000_000
IMPORT = "/me/import"
MOST_IMPORT_BYTES = 256_000_000
"""An export holds all of a user's messages."""


class Gate:
    """ASGI middleware behind the check of tokens; a user's request acts as that user."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it here."""
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
        if _announced(scope) > limit:
            await _answer(scope, receive, send, 413, _too_large(limit))
            return
        finish_left(user.identity)
        with acting_as(user.identity):
            await self.app(scope, _bounded(receive, limit), send)


def _too_large(limit: int) -> str:
    return f"The request is larger than {limit:,} bytes; send less at once."


def _bounded(receive: Receive, limit: int) -> Receive:
    """Return `receive`, which gives no more than `limit` bytes of a body."""
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body") or b"")
        if taken > limit:
            raise HTTPException(413, _too_large(limit))
        return message

    return bounded


def _announced(scope: Scope) -> int:
    for name, value in scope.get("headers") or ():
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return 0


async def _answer(scope: Scope, receive: Receive, send: Send, status: int, said: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": said})
        return
    await JSONResponse({"detail": said}, status_code=status)(scope, receive, send)
