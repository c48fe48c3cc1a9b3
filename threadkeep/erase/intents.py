"""Records of erasures under way. They hold ids, no content."""

from dataclasses import dataclass

from langgraph.store.base import BaseStore, Item

from threadkeep.checkpoints.owner_records import current_checkpoint_id
from threadkeep.erase.plan import ErasurePlan
from threadkeep.stores.namespaces import INTERNAL, Namespace, internal_store

INTENTS: Namespace = (INTERNAL, "erasures")
MAX_INTENTS = 1_000
MAX_ATTEMPTS = 3
"""After so many failures an erasure is quarantined: only its user retries it."""


@dataclass(frozen=True, kw_only=True)
class UnfinishedErasure:
    """An erasure that was interrupted or has failed."""

    key: str
    owner: str
    kind: str
    attempts: int
    reason: str
    """Why it failed the last time, without content; empty if it has not failed."""

    @property
    def is_quarantined(self) -> bool:
        """Whether it is retried on request only."""
        return self.attempts >= MAX_ATTEMPTS

    @property
    def sentence(self) -> str:
        """What failed, and what to do about it."""
        state = "is set aside" if self.is_quarantined else "is tried again at the next start"
        failure = (
            f"failed {self.attempts} times ({self.reason})" if self.reason else "is unfinished"
        )
        return (
            f"The erasure {self.key[:8]} of a {self.kind} of the user with the key "
            f"{self.owner[:8]} {failure} and {state}; threadkeep forget --user NAME --retry "
            "tries it now."
        )


async def write_intent(store: BaseStore, plan: ErasurePlan, intent: str) -> None:
    """Store an intent. From then on the erasure is completed, whatever happens."""
    value = {**plan.intent, "at": current_checkpoint_id()}
    await internal_store(store).aput(INTENTS, intent, value, index=False)


async def has_erasures(store: BaseStore) -> bool:
    """Return whether an erasure is unfinished."""
    return bool(await internal_store(store).asearch(INTENTS, limit=1, refresh_ttl=False))


async def read_intents(store: BaseStore, owner: str = "") -> list[Item]:
    """Return the intents of an owner, by default of all."""
    store = internal_store(store)
    items = await store.asearch(INTENTS, limit=MAX_INTENTS, refresh_ttl=False)
    return [item for item in items if not owner or item.value.get("owner") == owner]


async def unfinished_erasures(store: BaseStore, owner: str = "") -> list[UnfinishedErasure]:
    """Return the unfinished erasures of an owner, by default of all."""
    return [unfinished_erasure(item) for item in await read_intents(store, owner)]


def unfinished_erasure(item: Item) -> UnfinishedErasure:
    """Return what an intent says of itself, whatever its shape."""
    attempts = item.value.get("attempts")
    return UnfinishedErasure(
        key=item.key,
        owner=str(item.value.get("owner") or "unknown"),
        kind=str(item.value.get("kind") or "record"),
        attempts=attempts if isinstance(attempts, int) else 0,
        reason=str(item.value.get("reason") or ""),
    )


async def record_failure(store: BaseStore, item: Item, error: Exception) -> None:
    """Count a failed attempt in an intent, unless the erasure was completed before the error."""
    store = internal_store(store)
    if await store.aget(INTENTS, item.key) is None:
        return
    attempts = unfinished_erasure(item).attempts + 1
    value = {**item.value, "attempts": attempts, "reason": type(error).__name__}
    await store.aput(INTENTS, item.key, value, index=False)
