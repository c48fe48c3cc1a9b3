"""Authorise every action of the development server: users can use only what is their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from langgraph_sdk import Auth

from threadkeep.base.errors import AccessRefused, ThreadkeepError
from threadkeep.base.user import is_acting
from threadkeep.server.authenticate import TOKEN_MISSING, TOKEN_UNKNOWN
from threadkeep.server.dev.local_access import authenticate_request, has_access, headers_of
from threadkeep.server.dev.shared_memory import current_memory, current_rows
from threadkeep.server.error_responses import status_of
from threadkeep.server.namespaces import own_namespace
from threadkeep.server.run_input import validate_assistant, validate_cron, validate_run
from threadkeep.server.threads import (
    GRAPH,
    OWNER,
    add_record,
    claim_thread,
    merge_metadata,
    missing_thread_detail,
)
from threadkeep.server.threads import read_thread as read_thread_record

auth = Auth()
CREATED_BY = "created_by"
"""Metadata of an assistant: LangGraph's server sets it to "system" for the graph's own one."""
MAX_RESULTS = 1_000
HTTPError = Auth.exceptions.HTTPException
Value = Any
Filter = dict[str, Any]


@auth.authenticate
async def authenticate(scope: dict[str, Any]) -> Auth.types.MinimalUserDict:
    """Return the user of the request."""
    user_id = await authenticate_request(current_memory(), scope)
    if user_id is None:
        has_token = "authorization" in headers_of(scope)
        raise HTTPError(401, TOKEN_UNKNOWN if has_token else TOKEN_MISSING)
    return {"identity": user_id}


@auth.on
async def refuse(ctx: Auth.types.AuthContext, value: Value) -> bool:
    """Refuse actions that no other handler allows."""
    return False


@auth.on.threads.create
async def create_thread(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Allow creating a thread that has no owner yet, or is the user's own."""
    user_id, is_copy = ctx.user.identity, "metadata" not in value
    # With graph_id: a server that is killed may keep the row and lose the run that adds it.
    value.setdefault("metadata", {}).update({OWNER: user_id, "graph_id": GRAPH})
    await _claim(user_id, str(value["thread_id"]), value["metadata"])
    if not is_copy:  # A copy gets its record from the saver.
        with _http_errors():
            await add_record(current_memory(), user_id, str(value["thread_id"]), value["metadata"])
    return {OWNER: user_id}


@auth.on.threads.read
async def read_thread(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Allow reading the user's own threads."""
    return await _own_threads(ctx, value)


@auth.on.threads.update
async def update_thread(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Allow changing the user's own threads, but not their owner."""
    if isinstance(value.get("metadata"), dict):
        value["metadata"][OWNER] = ctx.user.identity
        await _keep_metadata(ctx.user.identity, str(value.get("thread_id")), value["metadata"])
    return await _own_threads(ctx, value)


@auth.on.threads.delete
async def delete_thread(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Allow deleting the user's own threads and their runs."""
    owner_filter = await _own_threads(ctx, value)
    if not value.get("run_id"):
        current_rows().forget(str(value.get("thread_id")))
    return owner_filter


@auth.on.threads.search
async def search_threads(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Allow searching the user's own threads, with those created in the terminal."""
    user_id = ctx.user.identity
    if value.get("thread_id"):
        return await _own_threads(ctx, value)
    count = int(value.get("limit") or MAX_RESULTS) + int(value.get("offset") or 0)
    await current_rows().ensure_newest(user_id, min(count, MAX_RESULTS))
    return {OWNER: user_id}


@auth.on.threads.create_run
async def create_run(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Allow running the graph on the user's own thread, as this user."""
    user_id, memory = ctx.user.identity, current_memory()
    thread_id = value.get("thread_id")
    # A run without a request is a cron's; its user's tokens may be revoked since.
    if not is_acting() and not await has_access(memory, user_id):
        raise HTTPError(403, TOKEN_UNKNOWN)
    with _http_errors():
        await validate_run(memory, user_id, value)
    value["metadata"][OWNER] = user_id
    if thread_id is not None:
        if value.get("if_not_exists") == "create":
            await _claim(user_id, str(thread_id), value["metadata"])
        await current_rows().ensure(user_id, str(thread_id))
    return {OWNER: user_id}


@auth.on.assistants.create
async def create_assistant(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Allow creating an assistant whose id no other user has."""
    assistant_id = str(value["assistant_id"])
    if await current_rows().is_foreign_assistant(ctx.user.identity, assistant_id):
        raise HTTPError(404, f"Assistant {assistant_id} not found")
    return _own_assistant(ctx, value)


@auth.on.assistants.update
async def update_assistant(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Allow changing the user's own assistants."""
    return _own_assistant(ctx, value)


@auth.on.assistants.delete
async def delete_assistant(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Allow deleting the user's own assistants."""
    return {OWNER: ctx.user.identity}


@auth.on.assistants.read
async def read_assistant(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Allow reading the user's own assistants, and the graph's own one."""
    return {"$or": [{OWNER: ctx.user.identity}, {CREATED_BY: "system"}]}


@auth.on.assistants.search
async def search_assistants(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Allow searching the user's own assistants, and the graph's own one."""
    return {"$or": [{OWNER: ctx.user.identity}, {CREATED_BY: "system"}]}


@auth.on.crons
async def crons(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Allow all actions on the user's own crons; each run is authorised when it starts."""
    user_id = ctx.user.identity
    with _http_errors():
        validate_cron(user_id, value.get("payload") or {})
    if isinstance(value.get("metadata"), dict):
        value["metadata"][OWNER] = user_id
    return {OWNER: user_id}


@auth.on.store
async def store(ctx: Auth.types.AuthContext, value: Value) -> None:
    """Allow all actions on namespaces below the user's own key."""
    user_id, namespace = ctx.user.identity, value.get("namespace") or ()
    with _http_errors():
        value["namespace"] = await own_namespace(current_memory(), user_id, ctx.action, namespace)
    if "limit" in value:
        value["limit"] = min(int(value["limit"] or 10), MAX_RESULTS)


@contextmanager
def _http_errors() -> Iterator[None]:
    try:
        yield
    except ThreadkeepError as error:
        raise HTTPError(status_of(error), str(error)) from None


async def _claim(user_id: str, thread_id: str, metadata: dict[str, Any]) -> None:
    with _http_errors():
        try:
            await claim_thread(current_memory(), user_id, thread_id, metadata)
        except AccessRefused:
            raise HTTPError(404, missing_thread_detail(thread_id)) from None


async def _keep_metadata(user_id: str, thread_id: str, metadata: dict[str, Any]) -> None:
    """Merge metadata into the thread's record; during a turn the server's row alone has it."""
    memory = current_memory()
    row = await read_thread_record(memory, user_id, thread_id)
    names = (str((row or {}).get("name")), thread_id)
    if row is not None and not await memory.has_open_turn(*names, user_id=user_id):
        with _http_errors():
            await merge_metadata(memory, user_id, thread_id, metadata)


async def _own_threads(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    user_id = ctx.user.identity
    for thread_id in value.get("thread_ids") or [value.get("thread_id")]:
        if thread_id is not None:
            await current_rows().ensure(user_id, str(thread_id))
    return {OWNER: user_id}


def _own_assistant(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    user_id = ctx.user.identity
    with _http_errors():
        validate_assistant(user_id, value)
    metadata = value.get("metadata")
    if isinstance(metadata, dict):
        metadata.pop(CREATED_BY, None)
        metadata[OWNER] = user_id
    return {OWNER: user_id}
