"""`threadkeep import`: import a file of conversations. Importing twice changes nothing more."""

import asyncio
from pathlib import Path

from threadkeep.base.clock import use_clock
from threadkeep.base.settings import Settings
from threadkeep.cli.output import count_of, print_lines, print_notice
from threadkeep.cli.progress import open_progress
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
        with open_progress("Importing") as progress:
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
        print_notice("What went in until now stays; import the file again for the rest.")
        raise
    for line in (*skipped_lines(result), *result.notes):
        print_notice(f"Left out {line}")
    summary = f"{count_of(result.messages, 'message')} of {count_of(result.users, 'user')}"
    threads = count_of(result.threads, "thread")
    print_lines([f"{summary} in {threads}, {result.new:,} of them new."])


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
    with use_clock(settings.clock, settings.time_zone):
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
