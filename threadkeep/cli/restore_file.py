"""`threadkeep import` of an export: checked as a whole, then taken in."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.cli.connection import with_memory
from threadkeep.cli.failures import complain
from threadkeep.cli.import_file import counted, open_bar
from threadkeep.transfer.importers.transcript import open_transcript
from threadkeep.transfer.read import survey
from threadkeep.transfer.restore import Progress, Restored


def run_restore(settings: Settings, path: Path, user: str | None, thread: str | None) -> None:
    """Take in an export with a progress bar, and print what went in."""
    if thread is not None:
        raise BadInput("An export names its own threads; leave --thread out.")
    try:
        with open_bar() as progress:
            done = restore_file(settings, path, user_id=user, progress=progress)
    except KeyboardInterrupt:
        complain("What went in until now stays; import the file again for the rest.")
        raise
    for old, new in (done.renamed or {}).items():
        complain(f"Another thread is called {old!r} already; the one of the file is {new!r} now.")
    said = f"{counted(done.messages, 'message')} of 1 user in {counted(done.threads, 'thread')}"
    sys.stdout.write(f"{said}, {done.new:,} of them new.\n")


def restore_file(
    settings: Settings, path: Path, *, user_id: str | None = None, progress: Progress | None = None
) -> Restored:
    """Take in an export, for its own user unless another is named.

    Raises:
        BadInput: the file cannot be read, or is no whole export; nothing of it was stored.
    """
    with open_seekable(path) as file:
        # Before anything is opened: a file that is refused leaves no data folder behind.
        seen = survey(file, str(path))
        return with_memory(
            settings,
            lambda memory: memory.restore(file, survey=seen, progress=progress, user_id=user_id),
        )


@contextmanager
def open_seekable(path: Path) -> Iterator[IO[bytes]]:
    """Yield the file so that it can be read twice; a pipe is copied first."""
    with open_transcript(path) as file:
        if file.seekable():
            yield file
            return
        with TemporaryFile() as copy:
            shutil.copyfileobj(file, copy)
            yield copy
