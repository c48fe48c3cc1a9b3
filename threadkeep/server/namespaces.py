"""The namespaces of the store as a client names them: all of them below the user's own key."""

from collections.abc import Sequence

from threadkeep.base.errors import BadInput
from threadkeep.memory import Memory
from threadkeep.stores.namespaces import RESERVED, user_key

WRITES = ("put", "delete")


async def own_namespace(
    memory: Memory, user: str, action: str, labels: Sequence[str]
) -> tuple[str, ...]:
    """Return the namespace of the user's own that is meant; empty means all of them.

    With the user's key in front, as the store shows it, or without; another user's key is but a
    label below one's own.

    Raises:
        BadInput: it is to be written, and threadkeep keeps its own things there.
    """
    key = await user_key(memory.opened.store, user)
    labels = tuple(labels)[1:] if tuple(labels)[:1] == (key,) else tuple(labels)
    if action in WRITES and (not labels or labels[0] in RESERVED):
        name = ".".join(labels) or "empty"
        raise BadInput(
            f"The namespace {name!r:.80} is kept by threadkeep itself; "
            f"write to one that begins with another word than {', '.join(sorted(RESERVED))}."
        )
    return (key, *labels)
