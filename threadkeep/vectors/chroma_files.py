"""Leave no byte of deleted vectors in the folder of an embedded Chroma.

Chroma keeps the vectors of deleted collections in its log and their folders on disk. Each user has
a collection of their own, so that the others' files need not be touched. But for one thing: the
space for vectors to come is written out as the allocator gave it, with whatever the process had
there before. So Chroma runs in `zeroed_space`, and what was written before is cleared.
"""

import ctypes
import os
import shutil
import sqlite3
import struct
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from threadkeep.base.errors import StorageFailed

DATABASE = "chroma.sqlite3"
UUID_CHARACTERS = 36
PAGE = 1_000
HEADER = struct.Struct("<i4Q")
"""Version, offset, most vectors, vectors, bytes of each, as hnswlib writes them."""
LENGTH = 4
"""Bytes in which the length of a list of neighbours is written."""
MMAP_THRESHOLD, LARGE = -3, 100_000
"""A parameter of GNU's allocator, and from how many bytes on it asks the system."""
PERTURB, ALL_BITS = -6, 0xFF
"""Another: new space is filled with the complement of this."""
RENEWED = "-renewed"
"""What the name of a collection ends with until it takes the old one's place."""


@contextmanager
def zeroed_space() -> Iterator[None]:
    """Let what is allocated meanwhile, by any thread, be zero; where the C library is GNU's."""
    _set_allocator(PERTURB, ALL_BITS)
    try:
        yield
    finally:
        _set_allocator(PERTURB, 0)


def keep_space_apart() -> None:
    """Let this process's larger allocations come from the system, so that they also grow zeroed."""
    _set_allocator(MMAP_THRESHOLD, LARGE)


def _set_allocator(parameter: int, value: int) -> None:
    if sys.platform == "linux":
        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).mallopt(parameter, value)


def renew(client: Any, name: str, configuration: Any) -> int:
    """Make a collection again from what it still holds; return how many vectors that is.

    Killed half-way, doing it again finishes it.
    """
    names = {each.name for each in client.list_collections()}
    fresh = f"{name}{RENEWED}"
    if name in names:
        if fresh in names:
            client.delete_collection(fresh)
        made = client.create_collection(fresh, configuration=configuration, embedding_function=None)
        _copy(client.get_collection(name, embedding_function=None), made)
        client.delete_collection(name)
    elif fresh not in names:
        return 0
    made = client.get_collection(fresh, embedding_function=None)
    made.modify(name=name)
    return int(made.count())


def _copy(old: Any, new: Any) -> None:
    at = 0
    while (page := old.get(limit=PAGE, offset=at, include=["embeddings", "documents"]))["ids"]:
        new.add(ids=page["ids"], embeddings=page["embeddings"], documents=page["documents"])
        at += len(page["ids"])


def scrub_folder(folder: Path) -> None:
    """Delete what no collection owns any more, while Chroma is closed.

    Raises:
        StorageFailed: the folder is none that this version knows how to clean.
    """
    database = folder / DATABASE
    if not database.exists():
        return
    try:
        with closing(sqlite3.connect(database, isolation_level=None, timeout=30)) as conn:
            conn.execute("PRAGMA secure_delete = ON")
            conn.execute(
                "DELETE FROM embeddings_queue WHERE "
                f"substr(topic, -{UUID_CHARACTERS}) NOT IN (SELECT id FROM collections)"
            )
            used = {str(row[0]) for row in conn.execute("SELECT id FROM segments")}
            conn.execute("VACUUM")
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise StorageFailed(
            f"The vector index {str(folder)!r} cannot be cleaned ({error}). "
            "Move that folder away and it is made again from the items."
        ) from error
    for path in folder.iterdir():
        if path.is_dir() and path.name not in used:
            shutil.rmtree(path)
        elif path.is_dir():
            _clear_space(path)


def _clear_space(segment: Path) -> None:
    """Write zeros where an index has space for vectors to come.

    Raises:
        StorageFailed: its files are laid out in another way than is known here.
    """
    header = segment / "header.bin"
    if not header.exists():
        return
    told = header.read_bytes()[: HEADER.size]
    version, _, most, count, each = HEADER.unpack(told) if len(told) == HEADER.size else (0,) * 5
    for name, size in (("data_level0.bin", each), ("length.bin", LENGTH)):
        path = segment / name
        there = path.stat().st_size
        if version != 1 or not count * size <= there <= most * size:
            raise StorageFailed(f"The vector index {str(segment)!r} is of an unknown kind.")
        with path.open("r+b") as file:
            file.seek(count * size)
            file.write(bytes(there - count * size))
            file.flush()
            os.fsync(file.fileno())


def own_texts(folder: Path) -> Iterator[bytes]:
    """Yield the texts that Chroma itself brings along, so that they are nobody's words."""
    database = folder / DATABASE
    if not database.exists():
        return
    with suppress(sqlite3.Error), closing(sqlite3.connect(database, timeout=30)) as conn:
        for query in ("SELECT sql FROM migrations", "SELECT sql FROM sqlite_schema"):
            yield from _texts(conn.execute(query))


def _texts(rows: Iterable[tuple[Any, ...]]) -> Iterator[bytes]:
    for (text,) in rows:
        yield str(text).encode()
