"""`threadkeep import`: import files of conversations. Importing twice changes nothing more."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import typer

from threadkeep.base.clock import use_clock
from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.cli.options import user_or_login
from threadkeep.cli.output import count_of, print_lines, print_notice
from threadkeep.cli.progress import open_progress
from threadkeep.cli.restore_file import forgotten_notice, run_restore
from threadkeep.memory import open_memory
from threadkeep.process import run
from threadkeep.stores.indexing import Progress
from threadkeep.transfer.import_conversations import ImportResult
from threadkeep.transfer.import_files import read_inputs
from threadkeep.transfer.importers.formats import Format
from threadkeep.transfer.importers.inputs import find_inputs
from threadkeep.transfer.importers.reader import WITHOUT_USER, read_conversations
from threadkeep.transfer.importers.transcript import Transcript

MAX_RENAMED = 10


def run_imports(
    settings: Settings,
    paths: Sequence[Path],
    format_: Format | None,
    *,
    user: str | None,
    thread: str | None,
    skip_bad: bool,
    again: bool,
) -> None:
    """Import files, folders and archives; what cannot be read is set aside and reported.

    Raises:
        BadInput: no file can be imported; nothing was stored.
        typer.Exit: some files were imported, others not.
    """
    with ExitStack() as stack, use_clock(settings.clock, settings.time_zone):
        inputs = find_inputs(list(paths), format_, stack)
        exports = [file for file in inputs.files if file.format == "export"]

        def user_of(format_: Format) -> str | None:
            return user_or_login(user) if format_ in WITHOUT_USER else user

        transcript = read_inputs(inputs, user_of, thread, skip_bad=skip_bad)
    imported = 0
    if transcript.messages:
        run_import(settings, transcript, again=again)
        imported += 1
    for file in exports:
        try:
            run_restore(settings, file.path, user, thread, again=again)
            imported += 1
        except BadInput as error:
            inputs.faults.append(str(error))
    if not imported:
        if inputs.faults:
            raise BadInput(" ".join(inputs.faults))
        raise BadInput("The files hold no messages; name one with at least one.")
    for sentence in inputs.faults:
        print_notice(f"Set aside: {sentence}")
    if inputs.faults:
        raise typer.Exit(BadInput.exit_code)


def run_import(settings: Settings, transcript: Transcript, *, again: bool = False) -> None:
    """Import conversations with a progress bar, and print the result."""
    try:
        with open_progress("Importing") as progress:
            result = run(import_transcript(settings, transcript, again=again, progress=progress))
    except KeyboardInterrupt:
        print_notice("What went in until now stays; import the file again for the rest.")
        raise
    for line in (*skipped_lines(result), *result.notes):
        print_notice(f"Left out {line}")
    for old, new in result.renamed[:MAX_RENAMED]:
        print_notice(
            f"Another thread is called {old!r} already; the one of the file is {new!r} now."
        )
    if result.forgotten:
        print_notice(forgotten_notice(result.forgotten))
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
    again: bool = False,
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
    return await import_transcript(settings, transcript, again=again, progress=progress)


async def import_transcript(
    settings: Settings,
    transcript: Transcript,
    *,
    again: bool = False,
    progress: Progress | None = None,
) -> ImportResult:
    """Open the memory, import conversations and index them."""
    async with open_memory(settings) as memory:
        return await memory.import_conversations(transcript, again=again, progress=progress)


def skipped_lines(result: ImportResult) -> list[str]:
    """Return the first faults, and how many more there are."""
    more = result.skipped - len(result.faults)
    return [*result.faults, f"and {more:,} more"] if more else list(result.faults)
