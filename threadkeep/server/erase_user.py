"""Erase a user: their memory, the rows of the server, and last of all their tokens."""

from collections.abc import Awaitable, Callable

from threadkeep.base.clock import now
from threadkeep.base.errors import BadInput
from threadkeep.erase.plan import Target
from threadkeep.erase.receipt import LABELS, Receipt
from threadkeep.memory import Memory
from threadkeep.stores.access_tokens import revoke_tokens

EraseRows = Callable[[str], Awaitable[dict[str, int]]]
"""Erases what a server itself stores of a user; returns the numbers by name."""


async def erase_user(memory: Memory, user_id: str, erase_rows: EraseRows | None = None) -> Receipt:
    """Erase everything that is stored of a user, tokens included; return the receipt.

    Raises:
        ThreadBusy: a turn is open on one of the threads for too long.
    """
    target = Target(kind="user", keep_tokens=True)
    try:
        receipt = await memory.forget(target, user_id=user_id)
    except BadInput:  # Nothing is stored of this user.
        receipt = Receipt(forgot="user", at=now().isoformat())
    threads = receipt.removed.get(LABELS["threads"], 0)
    receipt.removed = {"threads": threads, **receipt.removed}
    if erase_rows is not None:
        receipt.removed |= await erase_rows(user_id)
    receipt.removed["tokens"] = await revoke_tokens(memory.opened.store, user_id)
    return receipt
