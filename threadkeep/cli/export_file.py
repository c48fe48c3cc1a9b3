"""`threadkeep export` and `report`: all that is kept of a user, on stdout or in a file."""

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.cli.connection import with_memory
from threadkeep.cli.output import json_text, print_notice
from threadkeep.memory import Memory


def run_export(settings: Settings, user_id: str, thread: str | None, out: Path | None) -> None:
    """Write the export as JSON lines; a file appears only when it is complete."""

    async def read(memory: Memory) -> AsyncIterator[str]:
        async for line in memory.export(thread, user_id=user_id):
            yield line
        for sentence in await memory.damaged_records(user_id=user_id):
            print_notice(f"Left out: {sentence}")

    _write_all(settings, out, read)


def run_report(settings: Settings, user_id: str, out: Path | None) -> None:
    """Write the report as an HTML page; a file appears only when it is complete."""
    _write_all(settings, out, lambda memory: memory.report(user_id=user_id))


def _write_all(
    settings: Settings, out: Path | None, read: Callable[[Memory], AsyncIterator[str]]
) -> None:
    """Write what `read` yields to `out` or stdout, in UTF-8."""

    def write_with(write: Callable[[str], object]) -> None:
        async def write_pieces(memory: Memory) -> None:
            async for piece in read(memory):
                write(piece)

        with_memory(settings, write_pieces)

    if out is None:
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
        write_with(write_escaped if sys.stdout.isatty() else sys.stdout.write)
    else:
        with open_new_file(out) as write:
            write_with(write)


def write_escaped(piece: str) -> None:
    """Write JSON, or a page, to a terminal without effect on it."""
    sys.stdout.write(json_text(piece))


@contextmanager
def open_new_file(path: Path) -> Iterator[Callable[[str], object]]:
    """Yield the `write` of a file that only its owner can read; it appears when it is complete.

    A device or a pipe is written to as it is, and a link stays a link.

    Raises:
        BadInput: it cannot be written.
    """
    try:
        if path.exists() and not path.is_file():
            with path.open("w", encoding="utf-8", newline="\n") as file:
                yield file.write
            return
        path = path.resolve()
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                yield file.write
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        cause = error.strerror or str(error)
        raise BadInput(f"{str(path)!r} cannot be written ({cause}); name another file.") from error
