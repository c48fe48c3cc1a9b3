"""Take turns of a thread back, or go on in a copy of it, as the terminal does."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import validate_id
from threadkeep.memory import Memory
from threadkeep.server.http.request import body_of, number_of, thread_id_of
from threadkeep.server.openapi import described
from threadkeep.server.shared_memory import current_memory
from threadkeep.stores.namespaces import thread_id_for, threads_of, user_key

MOST_TURNS = 1_000


@described(
    "Take back the newest turns of a thread; memory goes with them",
    "What you had `said` in them, the oldest first.",
)
async def undo(request: Request) -> JSONResponse:
    """Take back `turns` turns, by default one."""
    body = await body_of(request)
    turns = number_of(body.get("turns"), "turns", 1, MOST_TURNS)
    memory, user, thread = await thread_of(request)
    return JSONResponse({"said": await memory.undo(thread, turns, user_id=user)})


@described(
    "Begin another thread with the first turns of one; memory goes with the one that is used",
    "`thread_id` and `name` of the new thread.",
)
async def fork(request: Request) -> JSONResponse:
    """Begin a thread of the name `name` with the first `at` turns, by default with all."""
    body = await body_of(request)
    name, at = validate_id(body.get("name"), "thread"), body.get("at")
    if at is not None and not number_of(at, "at", 1, 10**9):
        raise BadInput("at 0 is not allowed; write the number of a turn.")
    memory, user, thread = await thread_of(request)
    thread_id = await memory.fork(thread, name, at, user_id=user)
    return JSONResponse({"thread_id": thread_id, "name": name})


async def thread_of(request: Request) -> tuple[Memory, str, str]:
    """Return the memory, the user, and the thread by its name where it has one, else its id."""
    memory, user = current_memory(), str(request.user.identity)
    thread = thread_id_of(request.path_params["thread_id"])
    key = await user_key(memory.opened.store, user)
    record = await memory.opened.store.aget(threads_of(key), thread, refresh_ttl=False)
    name = str(record.value.get("name") or "") if record else ""
    return memory, user, name if name and thread_id_for(key, name) == thread else thread


routes = [
    Route("/me/threads/{thread_id}/undo", undo, methods=["POST"]),
    Route("/me/threads/{thread_id}/fork", fork, methods=["POST"]),
]
