"""Undo turns of a thread, or fork it, over HTTP."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import validate_id
from threadkeep.server.openapi import described
from threadkeep.server.request import RequestContext, request_context
from threadkeep.server.request_values import body_of, number_of, thread_id_of
from threadkeep.server.threads import thread_name_of

MAX_TURNS = 1_000
MAX_TURN_NUMBER = 10**9


@dataclass(frozen=True, kw_only=True)
class ThreadContext(RequestContext):
    """The context of a request about one thread."""

    thread: str
    """What the operations of `Memory` call it."""


@described(
    "Take back the newest turns of a thread; memory follows",
    "Your messages in these turns under `said`, the oldest first.",
)
async def undo(request: Request) -> JSONResponse:
    """Take back `turns` turns, by default one."""
    body = await body_of(request)
    turns = number_of(body.get("turns"), "turns", 1, MAX_TURNS)
    ctx = await thread_context(request)
    messages = await ctx.memory.undo(ctx.thread, turns, user_id=ctx.user_id)
    return JSONResponse({"said": messages})


@described(
    "Begin another thread with the first turns of one; memory follows the one that is used",
    "`thread_id` and `name` of the new thread.",
)
async def fork(request: Request) -> JSONResponse:
    """Begin the thread `name` with the first `at` turns, by default with all."""
    body = await body_of(request)
    name, at = validate_id(body.get("name"), "thread"), body.get("at")
    if at is not None and not number_of(at, "at", 1, MAX_TURN_NUMBER):
        raise BadInput("at 0 is not allowed; write the number of a turn.")
    ctx = await thread_context(request)
    thread_id = await ctx.memory.fork(ctx.thread, name, at, user_id=ctx.user_id)
    return JSONResponse({"thread_id": thread_id, "name": name})


@described(
    "Your threads with messages that got no answer, a sentence about each",
    "`threads`, each with `thread_id`, `thread`, `messages`, `reason` and `sentence`.",
)
async def unanswered(request: Request) -> JSONResponse:
    """List the threads with messages that got no answer."""
    ctx = request_context(request)
    return JSONResponse({"threads": await ctx.memory.unanswered(user_id=ctx.user_id)})


@described(
    "Send a message of a thread that got no answer again, and wait for the answer",
    "The `reply`.",
)
async def retry(request: Request) -> JSONResponse:
    """Send a message again."""
    await body_of(request)
    ctx = await thread_context(request)
    turn = await ctx.memory.retry(ctx.thread, user_id=ctx.user_id)
    await turn.finished()
    return JSONResponse({"reply": turn.reply})


@described(
    "Drop the messages of a thread that got no answer",
    "The `messages`, the oldest first.",
)
async def discard(request: Request) -> JSONResponse:
    """Drop messages that got no answer."""
    await body_of(request)
    ctx = await thread_context(request)
    messages = await ctx.memory.discard(ctx.thread, user_id=ctx.user_id)
    return JSONResponse({"messages": messages})


async def thread_context(request: Request) -> ThreadContext:
    """Return the context of a request whose path has the id of a thread.

    Raises:
        AccessRefused: the thread is another user's.
        HTTPException: the id is not a UUID.
    """
    ctx, thread_id = request_context(request), thread_id_of(request.path_params["thread_id"])
    await ctx.memory.opened.saver.guard.verify(thread_id, ctx.user_id)
    name = await thread_name_of(ctx.memory, ctx.user_id, thread_id)
    return ThreadContext(memory=ctx.memory, user_id=ctx.user_id, thread=name)


routes = [
    Route("/me/unanswered", unanswered),
    Route("/me/threads/{thread_id}/retry", retry, methods=["POST"]),
    Route("/me/threads/{thread_id}/discard", discard, methods=["POST"]),
    Route("/me/threads/{thread_id}/undo", undo, methods=["POST"]),
    Route("/me/threads/{thread_id}/fork", fork, methods=["POST"]),
]
