"""Forget a user: their memory, and what the server itself keeps of them."""

from typing import Any

from langgraph.store.base import PutOp

from graph.context import Context
from server.memory import Memory, apart
from server.rows import OWNER, forget_row, inside
from stores.namespaces import threads_of, user_key
from stores.pages import items_in, list_namespaces
from stores.tokens import revoke_tokens

PAGE = 100
Counts = dict[str, int]


async def forget_user(memory: Memory, user: str, *, rows: bool = True) -> dict[str, Any]:
    """Forget all that is kept of a user, last of all their tokens; return the receipt.

    `rows` tells whether LangGraph's server runs here, which lists threads of its own.

    Raises:
        ThreadBusy: a turn is open on one of the threads for too long.
    """
    removed = await _forget_memory(memory, user)
    if rows:
        removed |= await apart(_forget_rows(user))
    removed["tokens"] = await revoke_tokens(memory.agent.store, user)
    return {"forgot": "user", "removed": removed}


async def _forget_memory(memory: Memory, user: str) -> Counts:
    store, key = memory.agent.store, await user_key(memory.agent.store, user)
    threads = [item.key async for item in items_in(store, threads_of(key))]
    for thread in threads:
        await memory.agent.delete_thread(Context(user_id=user), thread)
    removed = 0
    for namespace in await list_namespaces(store, key):
        gone = [PutOp(namespace, item.key, None) async for item in items_in(store, namespace)]
        await store.abatch(gone)
        removed += len(gone)
    return {"threads": len(threads), "items": removed}


async def _forget_rows(user: str) -> Counts:
    """Delete what the server lists of a user; it writes the files that hold it anew by itself."""
    mine, client = {OWNER: user}, inside()
    counts = Counts(rows=0, crons=0, assistants=0)
    while crons := await client.crons.search(metadata=mine, limit=PAGE):
        for cron in crons:
            await client.crons.delete(cron["cron_id"])
        counts["crons"] += len(crons)
    while threads := await client.threads.search(metadata=mine, limit=PAGE):
        for thread in threads:
            await client.threads.delete(thread["thread_id"])
            forget_row(thread["thread_id"])
        counts["rows"] += len(threads)
    while assistants := await client.assistants.search(metadata=mine, limit=PAGE):
        for assistant in assistants:
            await client.assistants.delete(assistant["assistant_id"])
        counts["assistants"] += len(assistants)
    return counts
