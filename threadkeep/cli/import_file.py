"""`threadkeep import`: import a file of conversations. Importing twice changes nothing more."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from threadkeep.base.settings import Settings
from threadkeep.cli.failures import complain
from threadkeep.memory import open_memory
from threadkeep.process import run
from threadkeep.stores.indexing import Progress
from threadkeep.transfer.import_conversations import ImportResult
from threadkeep.transfer.importers.detect import Format
from threadkeep.transfer.importers.reader import read_conversations


def run_import(
    settings: Settings,
    path: Path,
    format_: Format,
    *,
    user: str | None,
    thread: str | None = None,
    skip_bad: bool,
) -> None:
    """Import a file with a progress bar, and print the result."""
    try:
        with open_bar() as progress:
            result = run(
                import_file(
                    settings,
                    path,
                    format_,
                    user=user,
                    thread=thread,
                    skip_bad=skip_bad,
                    progress=progress,
                )
            )
    except KeyboardInterrupt:
        complain("What went in until now stays; import the file again for the rest.")
        raise
    for line in (*skipped_lines(result), *result.notes):
        complain(f"Left out {line}")
    summary = f"{counted(result.messages, 'message')} of {counted(result.users, 'user')}"
    threads = counted(result.threads, "thread")
    sys.stdout.write(f"{summary} in {threads}, {result.new:,} of them new.\n")


async def import_file(
    settings: Settings,
    path: Path,
    format_: Format,
    *,
    user: str | None = None,
    thread: str | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> ImportResult:
    """Read a file, then open the memory, import the conversations and index them.

    Raises:
        BadInput: the file cannot be read, holds no message, or has malformed lines that may not
            be skipped; nothing of it was stored.
    """
    transcript = await asyncio.to_thread(
        read_conversations,
        path,
        format_,
        user_id=user,
        thread=thread,
        skip_malformed=skip_bad,
    )
    async with open_memory(settings) as memory:
        return await memory.import_conversations(transcript, progress=progress)


def skipped_lines(result: ImportResult) -> list[str]:
    """Return the first faults, and how many more there are."""
    more = result.skipped - len(result.faults)
    return [*result.faults, f"and {more:,} more"] if more else list(result.faults)


@contextmanager
def open_bar(task_name: str = "Importing") -> Iterator[Progress | None]:
    """Show a progress bar on stderr; None where stderr is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(task_name, total=None)
        yield lambda completed, total: bar.update(task, completed=completed, total=total)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where necessary."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
