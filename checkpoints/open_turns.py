"""Which turns are under way: a small file each, so that the next start finds what a crash left."""

import contextlib
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path


def note_open(folder: Path, thread: str, user: str, name: str) -> bool:
    """Note that a turn begins; tell whether an earlier one was never finished."""
    path = _path(folder, thread)
    left = path.exists()
    path.write_text(json.dumps({"user": user, "name": name}), encoding="utf-8")
    return left


def forget_open(folder: Path, thread: str) -> None:
    """Note that the turn is finished."""
    _path(folder, thread).unlink(missing_ok=True)


def left_open(folder: Path, user: str) -> list[str]:
    """Return the names of this user's threads whose newest turn is under way or was cut off."""
    return sorted(name for owner, name in _notes(folder) if owner == user)


def _notes(folder: Path) -> Iterator[tuple[str, str]]:
    for path in folder.glob("*.open"):
        # A note that a crash cut in half, or that is gone by now, names nobody.
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            note = json.loads(path.read_text(encoding="utf-8"))
            yield str(note["user"]), str(note["name"])


def _path(folder: Path, thread: str) -> Path:
    return folder / f"{sha256(thread.encode()).hexdigest()[:32]}.open"
