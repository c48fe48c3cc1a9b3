"""Journal of turns under way and of messages without an answer, per user and thread."""

import asyncio
import contextlib
import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, Protocol

from langgraph.store.base import BaseStore

from threadkeep.base.private_files import write_private_file
from threadkeep.base.storage_errors import file_errors

MAX_RECORDS = 1_000
"""Records of one owner that are listed at once."""
MAX_SET_ASIDE = 100
"""Messages of one thread that are set aside at once."""

Status = Literal["open", "stopped", "failed", "answered"]


@dataclass(frozen=True, kw_only=True)
class TurnRecord:
    """The newest turn of a thread, and its earlier messages that wait for a retry."""

    owner: str
    thread: str
    """The thread's id; "" in a record of an older version."""
    name: str
    status: Status = "open"
    """Under way or cut off by a crash, stopped by its user, failed, or answered."""
    text: str = ""
    """The user's message, while it has no answer."""
    earlier: tuple[str, ...] = ()
    """Messages without an answer that stand before it in the thread's state, the oldest first."""
    reason: str = ""
    """Why the turn failed, in one sentence."""
    refused: bool = False
    """Whether the failure is due to the message, so that it would fail again."""
    attempts: int = 0
    """How often the turn was tried again."""
    set_aside: tuple[str, ...] = ()
    """Messages that were taken out of the thread, so that it could go on; the oldest first."""

    @property
    def unanswered(self) -> list[str]:
        """The messages without an answer that wait for their user's retry, the oldest first."""
        newest = [*self.earlier, self.text] if self.status == "failed" else []
        return [text for text in (*self.set_aside, *newest) if text]

    @property
    def waits(self) -> bool:
        """Whether a message waits for its user's retry."""
        return self.status == "failed" or bool(self.set_aside)

    @property
    def sentence(self) -> str:
        """What a person should know of the messages without an answer, and do about them."""
        count, name = len(self.unanswered), shlex.quote(self.name)
        noun = "A message" if count <= 1 else f"{count} messages"
        reason = f" ({self.reason.removesuffix('.')})" if self.reason else ""
        return (
            f"{noun} in thread {self.name!r} got no answer{reason}; threadkeep threads retry "
            f"{name} sends it again, threadkeep threads discard {name} drops it."
        )


class TurnJournal(Protocol):
    """Records of turns, at most one of each thread."""

    async def read(self, owner: str, thread: str) -> TurnRecord | None:
        """Return the record of a thread."""

    async def write(self, record: TurnRecord) -> None:
        """Write a record in place of the thread's earlier one."""

    async def delete(self, owner: str, thread: str) -> None:
        """Delete the record of a thread."""

    async def records(self, owner: str | None = None) -> list[TurnRecord]:
        """Return the records of an owner, or of all, by the name of the thread."""


class FileTurnJournal:
    """Small files, for the processes of one machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def read(self, owner: str, thread: str) -> TurnRecord | None:
        """Return the record of a thread."""
        return await asyncio.to_thread(_read_file, self._path(thread), thread)

    async def write(self, record: TurnRecord) -> None:
        """Write a record in place of the thread's earlier one."""
        value = {**_value_of(record), "user": record.owner}
        path = self._path(record.thread)
        with file_errors(path):
            await asyncio.to_thread(write_private_file, path, json.dumps(value))

    async def delete(self, owner: str, thread: str) -> None:
        """Delete the record of a thread."""
        with file_errors(self._folder):
            await asyncio.to_thread(self._path(thread).unlink, missing_ok=True)

    async def records(self, owner: str | None = None) -> list[TurnRecord]:
        """Return the records of an owner, or of all, by the name of the thread."""
        records = await asyncio.to_thread(lambda: list(self._records()))
        return sorted(
            (record for record in records if owner in (None, record.owner)),
            key=lambda record: record.name,
        )

    def _records(self) -> Iterator[TurnRecord]:
        for path in self._folder.glob("*.open"):
            if record := _read_file(path):
                yield record

    def _path(self, thread: str) -> Path:
        return self._folder / f"{sha256(thread.encode()).hexdigest()[:32]}.open"


class StoreTurnJournal:
    """Items of a store that several machines share; `namespace` maps an owner to a namespace."""

    def __init__(self, store: BaseStore, namespace: Callable[[str], tuple[str, ...]]) -> None:
        self._store = store
        self._namespace = namespace

    async def read(self, owner: str, thread: str) -> TurnRecord | None:
        """Return the record of a thread."""
        item = await self._store.aget(self._namespace(owner), thread)
        return _record_of(item.value, owner, thread) if item else None

    async def write(self, record: TurnRecord) -> None:
        """Write a record in place of the thread's earlier one."""
        namespace = self._namespace(record.owner)
        await self._store.aput(namespace, record.thread, _value_of(record), index=False)

    async def delete(self, owner: str, thread: str) -> None:
        """Delete the record of a thread."""
        await self._store.adelete(self._namespace(owner), thread)

    async def records(self, owner: str | None = None) -> list[TurnRecord]:
        """Return the records of an owner, or of all, by the name of the thread."""
        owners = [owner] if owner is not None else await self._owners()
        records = [
            record
            for key in owners
            for item in await self._store.asearch(self._namespace(key), limit=MAX_RECORDS)
            if (record := _record_of(item.value, key, item.key))
        ]
        return sorted(records, key=lambda record: record.name)

    async def _owners(self) -> list[str]:
        suffix = self._namespace("")[1:]
        namespaces = await self._store.alist_namespaces(suffix=suffix, limit=MAX_RECORDS)
        return [namespace[0] for namespace in namespaces if namespace[1:] == suffix]


def _value_of(record: TurnRecord) -> dict[str, Any]:
    """Return what is stored of a record: fields that differ from their defaults, and the thread."""
    defaults = asdict(TurnRecord(owner=record.owner, thread="", name=""))
    value = asdict(record)
    return {
        key: list(value[key]) if isinstance(value[key], tuple) else value[key]
        for key in value
        if value[key] != defaults[key]
    }


def _record_of(value: Mapping[str, Any], owner: str, thread: str) -> TurnRecord | None:
    """Return a stored record, None of one that cannot be read."""
    with contextlib.suppress(TypeError, ValueError, KeyError):
        status = value.get("status", "open")
        return TurnRecord(
            owner=owner,
            thread=str(value.get("thread") or thread),
            name=str(value["name"]),
            status=status if status in ("stopped", "failed", "answered") else "open",
            text=str(value.get("text") or ""),
            reason=str(value.get("reason") or ""),
            refused=bool(value.get("refused")),
            attempts=int(value.get("attempts") or 0),
            earlier=tuple(map(str, value.get("earlier") or ())),
            set_aside=tuple(map(str, value.get("set_aside") or ())),
        )
    return None


def _read_file(path: Path, thread: str = "") -> TurnRecord | None:
    # Skip a record that is damaged, or that was deleted meanwhile.
    with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        value = json.loads(path.read_text(encoding="utf-8"))
        return _record_of(value, str(value["user"]), thread)
    return None
