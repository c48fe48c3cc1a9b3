"""Map the namespaces that a client names to the user's own namespaces in the store."""

from collections.abc import Sequence

from threadkeep.base.errors import BadInput
from threadkeep.memory import Memory
from threadkeep.stores.namespaces import RESERVED, user_key

WRITES = ("put", "delete")


async def own_namespace(
    memory: Memory, user_id: str, action: str, labels: Sequence[str]
) -> tuple[str, ...]:
    """Return the user's namespace with these labels; no labels are all namespaces of the user.

    The labels may begin with the user's key, as the store shows it. Another user's key is only
    one more label below the user's own key.

    Raises:
        BadInput: a write names a namespace that threadkeep keeps for itself.
    """
    owner = await user_key(memory.opened.store, user_id)
    labels = tuple(labels)[1:] if tuple(labels)[:1] == (owner,) else tuple(labels)
    if action in WRITES and (not labels or labels[0] in RESERVED):
        name = ".".join(labels) or "empty"
        raise BadInput(
            f"The namespace {name!r:.80} is kept by threadkeep itself; "
            f"write to one that begins with another word than {', '.join(sorted(RESERVED))}."
        )
    return (owner, *labels)
