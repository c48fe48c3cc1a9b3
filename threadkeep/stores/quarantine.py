"""Records that cannot be read: set aside, so that everything else stays usable."""

import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol, TypeVar

from langgraph.store.base import BaseStore, Item, PutOp

from threadkeep.base.clock import now
from threadkeep.base.errors import UnreadableRecord
from threadkeep.stores.namespaces import INTERNAL, Namespace, internal_store
from threadkeep.stores.record_shapes import is_intact

T = TypeVar("T")
log = logging.getLogger(__name__)
DAMAGED: Namespace = (INTERNAL, "damaged")
MAX_RECORDS = 10_000
DAMAGE = ("malformed JSON", "Could not decode to UTF-8", "Invalid isoformat string")
"""Messages of errors that a damaged row causes; they never leave this module."""
SENTENCE = (
    "{} that cannot be read {} set aside; threadkeep doctor names them, "
    "threadkeep doctor --discard deletes them."
)
DamagedRow = tuple[str, str, bytes]
"""Prefix, key and content of a row that cannot be read."""


class Quarantine(Protocol):
    """A store that can set aside what cannot be read."""

    async def quarantine_damaged(self) -> int:
        """Set aside the records that cannot be read; return their number."""


@dataclass(frozen=True, kw_only=True)
class DamagedRecord:
    """A record that was set aside."""

    id: str
    prefix: str
    key: str

    @property
    def owner(self) -> str:
        """The key of the user whose record it is."""
        return self.prefix.partition(".")[0]

    @property
    def sentence(self) -> str:
        """Which record it is, without its content."""
        _, _, below = self.prefix.partition(".")
        label, _, thread = below.partition(".")
        place = f" of the thread {thread}" if thread else ""
        return (
            f"The record {self.key[:36]!r} of {label or 'settings'}{place} of the user with the "
            f"key {self.owner[:8]} cannot be read and is set aside."
        )

    def is_of(self, owner: str, threads: Sequence[str] = (), keys: Iterable[str] = ()) -> bool:
        """Return whether it is the owner's, in one of the threads or under one of the keys."""
        last = self.prefix.rpartition(".")[2]
        return self.owner == owner and (last in threads or self.key in {*threads, *keys})


async def read_intact(
    items: Quarantine,
    read: Callable[[], Awaitable[T]],
    values: Callable[[T], Iterable[tuple[Sequence[str], object]]],
) -> T:
    """Return what `read` returns; where a record cannot be read, set it aside and read again.

    `values` yields namespace and value of each record in a result.

    Raises:
        UnreadableRecord: a record cannot be read and cannot be set aside.
    """
    for attempt in range(2):
        try:
            result = await read()
        except Exception as error:
            if not _is_damage(error):
                raise
        else:
            if attempt or all(is_intact(namespace, value) for namespace, value in values(result)):
                return result
        count = await items.quarantine_damaged()
        if count:
            log.warning("%s", notice_of(count))
    raise UnreadableRecord(
        "A record of the database cannot be read, and no other goes on without it; "
        "restore the database from a backup."
    )


def notice_of(count: int) -> str:
    """Return a sentence about records that were set aside."""
    records = "A record" if count == 1 else f"{count:,} records"
    return SENTENCE.format(records, "was" if count == 1 else "were")


def is_readable(prefix: str, content: bytes) -> bool:
    """Return whether the content of a row is a record of the right shape."""
    try:
        value = json.loads(content.decode())
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return is_intact(prefix.split("."), value)


def quarantine_value(row: DamagedRow) -> dict[str, str]:
    """Return the value under which a damaged row is kept; latin-1 keeps every byte."""
    prefix, key, content = row
    return {
        "prefix": prefix,
        "key": key,
        "content": content.decode("latin-1"),
        "at": now().isoformat(),
    }


def quarantine_key(row: DamagedRow) -> str:
    """Return the key under which a damaged row is kept."""
    return sha256(b"\0".join((row[0].encode(), row[1].encode(), row[2]))).hexdigest()[:32]


async def damaged_records(store: BaseStore, owner: str = "") -> list[DamagedRecord]:
    """Return the records of an owner, by default of all, that were set aside."""
    items = await internal_store(store).asearch(DAMAGED, limit=MAX_RECORDS, refresh_ttl=False)
    records = [_record_of(item) for item in items]
    return [record for record in records if not owner or record.owner == owner]


async def discard_damaged(store: BaseStore, records: Iterable[DamagedRecord]) -> int:
    """Delete records that were set aside; return their number."""
    ops = [PutOp(DAMAGED, record.id, None) for record in records]
    if ops:
        await internal_store(store).abatch(ops)
    return len(ops)


def _record_of(item: Item) -> DamagedRecord:
    value: dict[str, Any] = item.value
    return DamagedRecord(id=item.key, prefix=str(value.get("prefix")), key=str(value.get("key")))


def _is_damage(error: Exception) -> bool:
    is_decoding = isinstance(error, json.JSONDecodeError | UnicodeDecodeError)
    return is_decoding or str(error).startswith(DAMAGE)
