"""Tombstones: hashes of what was erased, by which late writes are refused.

A run that began before an erasure must not write erased data again. The store checks the
tombstones in the transaction of each write, by the checkpoint that the run goes on from.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from typing import Any

from langgraph.checkpoint.base.id import uuid6
from langgraph.config import get_config
from langgraph.store.base import PutOp

from threadkeep.base.errors import Erased
from threadkeep.stores.namespaces import INTERNAL, Namespace

TOMBSTONES: Namespace = (INTERNAL, "forgotten")
OF_THREAD = frozenset({"messages", "abandoned", "notes", "blob_uses"})
"""Labels followed by a thread's id."""
OF_MESSAGE = frozenset({"messages", "notes"})
"""Labels whose keys are ids of messages."""

_erasing: ContextVar[bool] = ContextVar("erasing", default=False)


@contextmanager
def erasing() -> Iterator[None]:
    """Allow writes to what is being erased, inside the block."""
    token = _erasing.set(True)
    try:
        yield
    finally:
        _erasing.reset(token)


def tombstone_of(owner: str, *scope: str) -> str:
    """Return the tombstone of a user, a thread or a message.

    `owner` is a hash under the store's secret, so that nobody can guess what was erased.
    """
    return sha256("\0".join((owner, *scope)).encode("utf-8", "replace")).hexdigest()[:32]


def message_marks(owner: str, message: Mapping[str, Any]) -> list[str]:
    """Return the tombstones by which an import recognises an erased message, in any wording."""
    role, time, source = (str(message.get(key) or "") for key in ("role", "time", "source_id"))
    older = [str(old.get("text")) for old in message.get("history") or ()]
    marks = []
    for text in (str(message.get("text") or ""), *older):
        marks.append(tombstone_of(owner, "words", role, time, text))
        if source:
            marks.append(tombstone_of(owner, "source", source, role, text))
    return marks


def conversation_mark(owner: str, source: str, id_: str) -> str:
    """Return the tombstone by which an import recognises an erased conversation."""
    return tombstone_of(owner, "conversation", source, id_)


def thread_marks(owner: str, thread: str, record: Mapping[str, Any]) -> list[str]:
    """Return the tombstones by which an import recognises a thread that is gone."""
    marks, imported = [expired_mark(owner, thread)], record.get("imported") or {}
    if imported.get("id"):
        marks.append(conversation_mark(owner, str(imported["source"]), str(imported["id"])))
    return marks


def expiry_ops(threads: Iterable[tuple[str, str, Mapping[str, Any]]]) -> list[PutOp]:
    """Return the writes of tombstones of threads that expire: owner, id and record of each."""
    value = {"at": str(uuid6(clock_seq=-2)), "open": False}
    return [
        PutOp(TOMBSTONES, mark, value, index=False)
        for owner, thread, record in threads
        for mark in thread_marks(owner, thread, record)
    ]


def expired_mark(owner: str, thread: str) -> str:
    """Return the tombstone of a thread that expired; its id may be used again."""
    return tombstone_of(owner, "expired", thread)


def tombstones_over(ops: Iterable[PutOp]) -> list[str]:
    """Return the tombstones that would refuse these writes; none inside `erasing`."""
    if _erasing.get():
        return []
    hashes: dict[str, None] = {}
    for op in ops:
        if op.value is not None and op.namespace[:1] != (INTERNAL,):
            hashes |= dict.fromkeys(_over(op.namespace, op.key, op.value))
    return list(hashes)


def owners_of(ops: Iterable[PutOp]) -> list[str]:
    """Return the owners that these writes belong to."""
    return sorted({op.namespace[0] for op in ops})


def current_checkpoint() -> str:
    """Return the checkpoint that the current run goes on from; empty outside a run."""
    try:
        run = get_config().get("configurable") or {}
    except RuntimeError:
        return ""
    return str((run.get("checkpoint_map") or {}).get("") or "")


def refuse_erased(tombstones: Sequence[Mapping[str, Any]], checkpoint: str) -> None:
    """Refuse a write by a run that goes on from `checkpoint`.

    Raises:
        Erased: the run began before the erasure, or the erasure is under way.
    """
    for tombstone in tombstones:
        if tombstone.get("open") or (checkpoint and checkpoint < str(tombstone["at"])):
            raise Erased(now=bool(tombstone.get("open")))


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
