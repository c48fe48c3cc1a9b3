"""Records of erasures under way. They hold ids, no content."""

from langgraph.store.base import BaseStore

from threadkeep.checkpoints.owner_records import current_checkpoint_id
from threadkeep.erase.plan import ErasurePlan
from threadkeep.stores.namespaces import SECRET, Namespace

INTENTS: Namespace = (*SECRET[0], "erasures")


async def write_intent(store: BaseStore, plan: ErasurePlan, intent: str) -> None:
    """Store an intent. From then on the erasure is completed, whatever happens."""
    value = {**plan.intent, "at": current_checkpoint_id()}
    await store.aput(INTENTS, intent, value, index=False)


async def has_erasures(store: BaseStore) -> bool:
    """Return whether an erasure is unfinished."""
    return bool(await store.asearch(INTENTS, limit=1, refresh_ttl=False))
