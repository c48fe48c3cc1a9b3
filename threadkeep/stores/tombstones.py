"""What may not be written any more, since it was forgotten: hashes, and since when.

A run that began before something was forgotten must not bring it back. The store looks at these
marks in the transaction of each write, by the checkpoint on which the run stands.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from typing import Any

from langgraph.config import get_config
from langgraph.store.base import PutOp

from threadkeep.base.errors import Erased
from threadkeep.stores.namespaces import SECRET, Namespace

TOMBSTONES: Namespace = (*SECRET[0], "forgotten")
OF_THREAD = frozenset({"messages", "abandoned", "notes"})
"""Labels that stand before a thread's id."""
OF_MESSAGE = frozenset({"messages", "notes"})
"""Labels whose keys are ids of messages."""

_forgetting: ContextVar[bool] = ContextVar("forgetting", default=False)


@contextmanager
def forgetting() -> Iterator[None]:
    """Let what follows write where something is being forgotten."""
    token = _forgetting.set(True)
    try:
        yield
    finally:
        _forgetting.reset(token)


def tombstone_of(owner: str, *scope: str) -> str:
    """Return what marks a user's whole memory, a thread or a message as forgotten.

    `owner` is a hash under the store's secret, so that nobody else can guess what was meant.
    """
    return sha256("\0".join((owner, *scope)).encode("utf-8", "replace")).hexdigest()[:32]


def tombstones_over(ops: Iterable[PutOp]) -> list[str]:
    """Return the marks that would forbid these writes; none while something is being forgotten."""
    if _forgetting.get():
        return []
    found: dict[str, None] = {}
    for op in ops:
        if op.value is not None and op.namespace[:1] != SECRET[0]:
            found |= dict.fromkeys(_over(op.namespace, op.key, op.value))
    return list(found)


def owners_of(ops: Iterable[PutOp]) -> list[str]:
    """Return the users' keys below which these writes go."""
    return sorted({op.namespace[0] for op in ops})


def stands_on() -> str:
    """Return the checkpoint on which the run stands that writes; empty outside of a run."""
    try:
        run = get_config().get("configurable") or {}
    except RuntimeError:
        return ""
    return str((run.get("checkpoint_map") or {}).get("") or "")


def refuse_forgotten(marks: Sequence[Mapping[str, Any]], checkpoint: str) -> None:
    """Refuse a write by a run that stands on `checkpoint`.

    Raises:
        Erased: it began before what it writes to was forgotten, or that goes on right now.
    """
    for mark in marks:
        if mark.get("open") or (checkpoint and checkpoint < str(mark["at"])):
            raise Erased(now=bool(mark.get("open")))


def _over(namespace: Namespace, key: str, value: Mapping[str, Any]) -> Iterator[str]:
    owner, label = namespace[0], namespace[1] if len(namespace) > 1 else ""
    yield tombstone_of(owner)
    if label in OF_THREAD and len(namespace) > 2:
        yield tombstone_of(owner, "thread", namespace[2])
    elif label in ("threads", "open"):
        yield tombstone_of(owner, "thread", key)
    elif label == "usage":
        yield tombstone_of(owner, "thread", str(value.get("thread") or ""))
    if label in OF_MESSAGE:
        yield tombstone_of(owner, "message", key)
    elif label == "abandoned":
        yield tombstone_of(owner, "message", str(value.get("id") or ""))
