"""Erase a user: their memory, and the rows that LangGraph's server keeps of them."""

from typing import Any

from threadkeep.base.clock import now
from threadkeep.base.errors import BadInput
from threadkeep.erase.plan import Target
from threadkeep.erase.receipt import LABELS, Receipt
from threadkeep.memory import Memory
from threadkeep.server.shared_memory import run_detached
from threadkeep.server.thread_rows import OWNER, forget_row, internal_client
from threadkeep.stores.access_tokens import revoke_tokens

PAGE = 100
Counts = dict[str, int]


async def forget_user(memory: Memory, user: str, *, rows: bool = True) -> dict[str, Any]:
    """Forget all that is kept of a user, last of all their tokens; return the receipt.

    `rows` tells whether LangGraph's server runs here, which lists threads of its own.

    Raises:
        ThreadBusy: a turn is open on one of the threads for too long.
    """
    receipt = await _forget_memory(memory, user)
    if rows:
        receipt.removed |= await run_detached(_forget_rows(user))
    receipt.removed["tokens"] = await revoke_tokens(memory.opened.store, user)
    return receipt.as_json()


async def _forget_memory(memory: Memory, user: str) -> Receipt:
    target = Target(kind="user", keep_tokens=True)
    try:
        receipt = await memory.forget(target, user_id=user)
    except BadInput:  # Nothing is kept of them.
        receipt = Receipt(forgot="user", at=now().isoformat())
    threads = receipt.removed.get(LABELS["threads"], 0)
    receipt.removed = {"threads": threads, **receipt.removed}
    return receipt


async def _forget_rows(user: str) -> Counts:
    """Delete what the server lists of a user; it writes the files that hold it anew by itself."""
    owner_filter, client = {OWNER: user}, internal_client()
    counts = Counts(rows=0, crons=0, assistants=0)
    while crons := await client.crons.search(metadata=owner_filter, limit=PAGE):
        for cron in crons:
            await client.crons.delete(cron["cron_id"])
        counts["crons"] += len(crons)
    while threads := await client.threads.search(metadata=owner_filter, limit=PAGE):
        for thread in threads:
            await client.threads.delete(thread["thread_id"])
            forget_row(thread["thread_id"])
        counts["rows"] += len(threads)
    while assistants := await client.assistants.search(metadata=owner_filter, limit=PAGE):
        for assistant in assistants:
            await client.assistants.delete(assistant["assistant_id"])
        counts["assistants"] += len(assistants)
    return counts
