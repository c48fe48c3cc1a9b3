"""Take an export in: into an empty store all is there again, into another it joins.

Twice is once, and what stopped half-way is finished by doing it again.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Any, Literal

from langgraph.store.base import BaseStore, GetOp, Item, PutOp

from threadkeep.base.errors import AccessRefused
from threadkeep.base.user import acting_user
from threadkeep.base.validation import validate_id
from threadkeep.checkpoints.locks import ThreadLocks
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.knowledge.message_versions import message_version
from threadkeep.knowledge.rebuild import rebuild_knowledge
from threadkeep.stores.namespaces import (
    Namespace,
    abandoned_of,
    messages_of,
    notes_of,
    threads_of,
    user_key,
)
from threadkeep.stores.owned import OwnedStore
from threadkeep.transfer.format import DERIVED, KINDS, STATE
from threadkeep.transfer.merge import merged
from threadkeep.transfer.read import OF_ONE_THREAD, Survey, records
from threadkeep.transfer.restore_state import StateWriter
from threadkeep.transfer.thread_mapping import Names, renamed

CHUNK = 200
LABELS = {kind: label for label, kind in KINDS.items()}
HIDDEN = frozenset({"thread", "abandoned", "note", "usage", "correction", "pin"})
"""What is never searched."""
MORTAL = frozenset({"thread", "message", "abandoned"})
"""What lives as long as its thread."""
Progress = Callable[[int, int], None]
Record = dict[str, Any]
Place = tuple[Namespace, str]
Placed = tuple[str, Namespace, str, Record]
"""Kind, namespace, key and value of an item as they are here."""


@dataclass(kw_only=True)
class Restored:
    """What an import did."""

    user: str
    messages: int
    """In the file."""
    threads: int
    new: int = 0
    """Messages that were not here before."""
    changed: int = 0
    """Items that were put; what is made of them is not counted."""
    renamed: dict[str, str] | None = None
    """Threads that got another name, since theirs was another thread's."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """Into whose memory it goes."""

    store: BaseStore
    owner: str
    states: StateWriter
    threads: dict[str, str]
    """Each thread's id here, by its id in the file."""
    names: dict[str, str]
    """Each thread's name here, by its id here."""
    ttl_minutes: float | None
    lives: dict[str, float]
    """Threads that say how long they live, by their id here."""
    left: set[tuple[str, str]] = field(default_factory=set)
    """Messages of the file, by thread and id, that lie on a branch that was left here."""
    corrected: set[tuple[str, str]] = field(default_factory=set)
    """Messages that got the wording of the file; what they teach and who follows them does too."""
    last: dict[str, str] = field(default_factory=dict)
    """The message of each thread that was read last."""


async def restore_user(
    store: BaseStore,
    saver: OwnedSaver,
    locks: ThreadLocks,
    file: IO[bytes],
    seen: Survey,
    user_id: str,
    *,
    ttl_minutes: float | None = None,
    progress: Progress | None = None,
) -> Restored:
    """Take in an export that `read.survey` has checked; `progress` is told (done, all).

    Raises:
        AccessRefused: the user who asks (see `threadkeep/base/user.py`) is another one, or nobody.
        ThreadBusy: a turn is open on a thread for too long.
    """
    user = validate_id(user_id, "user")
    if acting_user() != user:
        raise AccessRefused(f"Into the memory of {user!r} nobody else imports; take your own.")
    owner = await user_key(store, user)
    # From here on the guard stands before every item.
    target, done = await _target(OwnedStore(store), saver, locks, seen, user, owner, ttl_minutes)
    restored = Restored(user=user, messages=seen.messages, threads=len(seen.threads), renamed=done)
    count, lines = 0, records(file)
    while chunk := await asyncio.to_thread(_take, lines):
        await _restore(target, chunk, restored)
        count += len(chunk)
        if progress:
            progress(count, seen.records)
    await rebuild_knowledge(target.store, owner)
    return restored


async def _target(
    store: BaseStore,
    saver: OwnedSaver,
    locks: ThreadLocks,
    seen: Survey,
    user: str,
    owner: str,
    ttl_minutes: float | None,
) -> tuple[Target, dict[str, str]]:
    names = Names(store, saver, user, owner)
    found = {thread.id: await names.of(thread) for thread in seen.threads.values()}
    target = Target(
        store=store,
        owner=owner,
        states=StateWriter(saver, locks, user),
        threads={old: new for old, (new, _) in found.items()},
        names=dict(found.values()),
        ttl_minutes=ttl_minutes,
        lives={},
    )
    told = {seen.threads[old].name: name for old, (_, name) in found.items()}
    return target, {old: new for old, new in told.items() if old != new}


def _take(lines: Iterator[Record]) -> list[Record]:
    return list(islice(lines, CHUNK))


async def _restore(target: Target, chunk: Sequence[Record], restored: Restored) -> None:
    """Put what is new of a chunk, items before states: these stand on the messages."""
    items = [_placed(target, each) for each in chunk if each["kind"] not in (*DERIVED, STATE)]
    mine = await _read(target, items)
    puts: dict[Place, PutOp] = {}
    for kind, namespace, key, value in items:
        if _is_left(target, kind, namespace, key, value, mine):
            continue
        old = mine.get((namespace, key))
        kept = _kept(target, kind, namespace, key, old, value)
        if kind == "message" and (namespace[2], key) in target.corrected:
            # The note of the new wording comes later, if it teaches anything.
            note = notes_of(target.owner, namespace[2])
            puts[note, key] = PutOp(note, key, None)
        if kept != old or (namespace, key) in puts:
            index: Literal[False] | None = False if kind in HIDDEN else None
            life = _life(target, kind, namespace, key)
            puts[namespace, key] = PutOp(namespace, key, kept, index=index, ttl=life)
            restored.new += kind == "message" and old is None
    if puts:
        await target.store.abatch(list(puts.values()))
        restored.changed += len(puts)
    for record in chunk:
        if record["kind"] == STATE:
            await _restore_state(target, record)


def _kept(
    target: Target, kind: str, namespace: Namespace, key: str, old: Record | None, value: Record
) -> Record:
    """Return what is to be kept in a place; what was corrected there last is taken whole."""
    kept = merged(kind, old, value)
    if kind == "note" and (namespace[2], key) in target.corrected:
        return value
    if kind == "message":
        thread = namespace[2]
        if old is not None and kept["text"] != old["text"]:
            target.corrected.add((thread, key))
        if (thread, target.last.get(thread, "")) in target.corrected:
            kept = {**kept, "before": value["before"]}
        target.last[thread] = key
    return kept


async def _read(target: Target, items: Sequence[Placed]) -> dict[Place, Record]:
    """Return what is here already in the places of items, and of messages in their other one."""
    places = [(namespace, key) for _, namespace, key, _ in items]
    places += [other for item in items for other in _elsewhere(*item)]
    ops = [GetOp(namespace, key, refresh_ttl=False) for namespace, key in places]
    found = await target.store.abatch(ops)
    return {
        place: item.value
        for place, item in zip(places, found, strict=True)
        if isinstance(item, Item)
    }


def _is_left(
    target: Target,
    kind: str,
    namespace: Namespace,
    key: str,
    value: Record,
    mine: Mapping[Place, Record],
) -> bool:
    """Tell whether a message, or its note, lies on the other side of a branch here and stays."""
    if kind == "note":
        return (namespace[2], key) in target.left
    others = [mine[place] for place in _elsewhere(kind, namespace, key, value) if place in mine]
    if kind == "message" and others:
        target.left.add((namespace[2], key))
    if kind == "abandoned" and others:
        return bool({*_wordings(others[0])} & {*_wordings(value["message"])})
    return bool(others)


def _elsewhere(kind: str, namespace: Namespace, key: str, value: Record) -> list[Place]:
    """Return where a message stands when it lies on the other side of a branch."""
    if kind == "message":
        left = abandoned_of(namespace[0], namespace[2])
        return [(left, message_version(key, text)) for text in _wordings(value)]
    if kind == "abandoned":
        return [(messages_of(namespace[0], namespace[2]), value["id"])]
    return []


def _wordings(value: Record) -> list[str]:
    """Return what a message says, and what it said before it was corrected."""
    return [value["text"], *(old["text"] for old in value.get("history") or ())]


def _placed(target: Target, record: Record) -> Placed:
    """Return the kind, namespace, key and value of a record as they are here."""
    kind, owner = record["kind"], target.owner
    value, key = renamed(record["value"], target.threads), record["id"]
    if kind == "thread":
        key = target.threads[key]
        if name := target.names[key]:
            value = {**value, "name": name}
        if minutes := value.get("ttl_minutes"):
            target.lives[key] = minutes
        return kind, threads_of(owner), key, value
    if kind in OF_ONE_THREAD:
        return kind, (owner, LABELS[kind], target.threads[record["thread"]]), key, value
    if kind == "usage":
        key = f"{value['thread']} {value['day']} {value['purpose']}"
    label = record["namespace"] if kind not in LABELS else [LABELS[kind]]
    return kind, (owner, *label), key, value


def _life(target: Target, kind: str, namespace: Namespace, key: str) -> float | None:
    if kind not in MORTAL:
        return None
    return target.lives.get(key if kind == "thread" else namespace[2], target.ttl_minutes)


async def _restore_state(target: Target, record: Record) -> None:
    thread = target.threads[record["thread"]]
    value = renamed(record["value"], target.threads)
    if (thread, str(value.get("stored_through"))) in target.left:
        return  # It was undone here since.
    name = target.names.get(thread) or thread
    await target.states.write(thread, name, value, target.lives.get(thread))
