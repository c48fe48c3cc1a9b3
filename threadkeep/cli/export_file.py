"""`threadkeep export`: all that is kept of a user as JSON lines, on stdout or in a file."""

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.base.user import acting_as
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.checkpoints.savers import open_checkpointer
from threadkeep.cli.event_loop import run
from threadkeep.cli.home import open_store
from threadkeep.stores.hybrid import HybridStore
from threadkeep.transfer.export import export_user


def run_export(settings: Settings, user: str, thread: str | None, out: Path | None) -> None:
    """Write the export; a file appears only when it is whole."""

    async def write(put: Callable[[str], object]) -> None:
        async with open_memory(settings) as (store, saver):
            with acting_as(user):
                async for line in export_user(store, saver, user, thread):
                    put(line)

    if out is None:
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
        run(write(sys.stdout.write))
    else:
        with whole_file(out) as put:
            run(write(put))


@asynccontextmanager
async def open_memory(settings: Settings) -> AsyncIterator[tuple[HybridStore, OwnedSaver]]:
    """Open the store and the saver, without the graph around them.

    Raises:
        StorageFailed: a database cannot be used.
    """
    database = settings.checkpoint_database
    async with (
        open_store(settings) as store,
        open_checkpointer(database, ttl_minutes=settings.ttl_minutes) as saver,
    ):
        yield store, saver


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
