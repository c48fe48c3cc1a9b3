"""`threadkeep export`: all that is kept of a user as JSON lines, on stdout or in a file."""

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.cli.connection import with_memory
from threadkeep.memory import Memory


def run_export(settings: Settings, user_id: str, thread: str | None, out: Path | None) -> None:
    """Write the export to `out` or stdout; a file appears only when it is complete."""
    write_all(settings, out, lambda memory: memory.export(thread, user_id=user_id))


def write_all(
    settings: Settings, out: Path | None, pieces: Callable[[Memory], AsyncIterator[str]]
) -> None:
    """Write what a memory yields to `out` or stdout, in UTF-8."""

    def write_to(put: Callable[[str], object]) -> None:
        async def write(memory: Memory) -> None:
            async for piece in pieces(memory):
                put(piece)

        with_memory(settings, write)

    if out is None:
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
        write_to(sys.stdout.write)
    else:
        with whole_file(out) as put:
            write_to(put)


@contextmanager
def whole_file(path: Path) -> Iterator[Callable[[str], object]]:
    """Yield what writes a file that only its owner can read; it is there when it is whole.

    Raises:
        BadInput: it cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        opened = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(opened, "w", encoding="utf-8", newline="\n") as file:
                yield file.write
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        why = error.strerror or str(error)
        raise BadInput(f"{str(path)!r} cannot be written ({why}); name another file.") from error
