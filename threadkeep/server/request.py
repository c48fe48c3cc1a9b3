"""The context of a request: the opened memory, and the authenticated user."""

from dataclasses import dataclass

from starlette.requests import Request

from threadkeep.memory import Memory


@dataclass(frozen=True, kw_only=True)
class RequestContext:
    """The memory of the server, and whose request it is."""

    memory: Memory
    user_id: str


def request_context(request: Request) -> RequestContext:
    """Return the context of an authenticated request; the lifespan opened the memory."""
    return RequestContext(memory=request.app.state.memory, user_id=str(request.user.identity))
