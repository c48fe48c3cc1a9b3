"""Who may do what: nobody anything but with what is their own."""

from typing import Any

from langgraph_sdk import Auth

from threadkeep.base.errors import ThreadkeepError
from threadkeep.base.user import is_acting
from threadkeep.server.authenticate import (
    NOT_KNOWN,
    NOTHING_SENT,
    authenticate_request,
    has_access,
    headers_of,
)
from threadkeep.server.namespaces import own_namespace
from threadkeep.server.run_input import validate_assistant, validate_cron, validate_run
from threadkeep.server.shared_memory import current_memory
from threadkeep.server.thread_rows import (
    GRAPH,
    claim_row,
    ensure_row,
    ensure_rows,
    forget_row,
    refuse_taken_assistant,
)

auth = Auth()
OWNER = "owner"
SYSTEM = "created_by"
"""What LangGraph's server marks an assistant with that it made itself, one for each graph."""
MAX_RESULTS = 1_000
Value = Any
Filter = dict[str, Any]


@auth.authenticate
async def authenticate(scope: dict[str, Any]) -> Auth.types.MinimalUserDict:
    """Return the user whose token it is."""
    user = await authenticate_request(current_memory(), scope)
    if user is None:
        has_token = "authorization" in headers_of(scope)
        raise Auth.exceptions.HTTPException(401, NOT_KNOWN if has_token else NOTHING_SENT)
    return {"identity": user}


@auth.on
async def refuse(ctx: Auth.types.AuthContext, value: Value) -> bool:
    """Refuse what no other function allows."""
    return False


@auth.on.threads.create
async def create_thread(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Let a thread be begun by whoever owns it, or nobody yet."""
    user = ctx.user.identity
    # With the graph in it: a server that is killed may keep the row and lose the run that adds it.
    value.setdefault("metadata", {}).update({OWNER: user, "graph_id": GRAPH})
    await claim_row(current_memory(), user, str(value["thread_id"]), value["metadata"])
    return {OWNER: user}


@auth.on.threads.read
async def read_thread(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Show a thread to its owner."""
    return await _own_thread(ctx, value)


@auth.on.threads.update
async def update_thread(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Let the owner change a thread, but not whose it is."""
    if isinstance(value.get("metadata"), dict):
        value["metadata"][OWNER] = ctx.user.identity
    return await _own_thread(ctx, value)


@auth.on.threads.delete
async def delete_thread(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Let the owner delete a thread."""
    owner_filter = await _own_thread(ctx, value)
    if not value.get("run_id"):
        forget_row(str(value.get("thread_id")))
    return owner_filter


@auth.on.threads.search
async def search_threads(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Find a user's own threads, those begun in the terminal too."""
    user = ctx.user.identity
    if value.get("thread_id"):
        return await _own_thread(ctx, value)
    count = int(value.get("limit") or MAX_RESULTS) + int(value.get("offset") or 0)
    await ensure_rows(current_memory(), user, min(count, MAX_RESULTS))
    return {OWNER: user}


@auth.on.threads.create_run
async def create_run(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Let a user run the graph on their own thread, as themselves."""
    user, memory = ctx.user.identity, current_memory()
    thread = value.get("thread_id")
    # Without a request it is a cron's run: whose tokens were revoked since has none.
    if not is_acting() and not await has_access(memory, user):
        raise Auth.exceptions.HTTPException(403, NOT_KNOWN)
    try:
        await validate_run(memory, user, value)
    except ThreadkeepError as error:
        raise refused(error) from None
    value["metadata"][OWNER] = user
    if thread is not None:
        if value.get("if_not_exists") == "create":
            await claim_row(memory, user, str(thread), value["metadata"])
        await ensure_row(memory, user, str(thread))
    return {OWNER: user}


@auth.on.assistants.create
async def create_assistant(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Let a user keep choices of their own under a name."""
    await refuse_taken_assistant(ctx.user.identity, str(value["assistant_id"]))
    return _own_assistant(ctx, value)


@auth.on.assistants.update
async def update_assistant(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Let a user change their own assistant."""
    return _own_assistant(ctx, value)


@auth.on.assistants.delete
async def delete_assistant(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Let a user delete their own assistant."""
    return {OWNER: ctx.user.identity}


@auth.on.assistants.read
async def read_assistant(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Show a user their own assistants, and the one of the graph itself."""
    return {"$or": [{OWNER: ctx.user.identity}, {SYSTEM: "system"}]}


@auth.on.assistants.search
async def search_assistants(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Find a user's own assistants, and the one of the graph itself."""
    return {"$or": [{OWNER: ctx.user.identity}, {SYSTEM: "system"}]}


@auth.on.crons
async def crons(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    """Let a user keep crons of their own; their runs are checked when they come."""
    user = ctx.user.identity
    try:
        validate_cron(user, value.get("payload") or {})
    except ThreadkeepError as error:
        raise refused(error) from None
    if isinstance(value.get("metadata"), dict):
        value["metadata"][OWNER] = user
    return {OWNER: user}


@auth.on.store
async def store(ctx: Auth.types.AuthContext, value: Value) -> None:
    """Keep a user within their own namespaces; whatever they name lies below their own key."""
    try:
        value["namespace"] = await own_namespace(
            current_memory(), ctx.user.identity, ctx.action, value.get("namespace") or ()
        )
    except ThreadkeepError as error:
        raise refused(error) from None
    if "limit" in value:
        value["limit"] = min(int(value["limit"] or 10), MAX_RESULTS)


def refused(error: ThreadkeepError) -> Auth.exceptions.HTTPException:
    """Return what the caller is told of an error."""
    from threadkeep.server.error_responses import status_of

    return Auth.exceptions.HTTPException(status_of(error), str(error))


async def _own_thread(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    user = ctx.user.identity
    for thread in value.get("thread_ids") or [value.get("thread_id")]:
        if thread is not None:
            await ensure_row(current_memory(), user, str(thread))
    return {OWNER: user}


def _own_assistant(ctx: Auth.types.AuthContext, value: Value) -> Filter:
    user = ctx.user.identity
    try:
        validate_assistant(user, value)
    except ThreadkeepError as error:
        raise refused(error) from None
    metadata = value.get("metadata")
    if isinstance(metadata, dict):
        metadata.pop(SYSTEM, None)
        metadata[OWNER] = user
    return {OWNER: user}
