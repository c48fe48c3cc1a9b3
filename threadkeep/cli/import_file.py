"""`threadkeep import`: a file of conversations into the store; doing it twice is doing it once."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.base.validation import validate_id
from threadkeep.cli.failures import complain
from threadkeep.knowledge.rebuild import rebuild_knowledge
from threadkeep.memory import open_memory
from threadkeep.process import run
from threadkeep.stores.namespaces import user_key
from threadkeep.transfer.import_messages import by_user, chunks, store_chunk
from threadkeep.transfer.importers.chatgpt import read_chatgpt
from threadkeep.transfer.importers.detect import Format
from threadkeep.transfer.importers.langchain import read_langchain
from threadkeep.transfer.importers.locomo import read_locomo
from threadkeep.transfer.importers.transcript import Transcript, read_jsonl

FAULTS_IN_ERROR = 3
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What an import did."""

    messages: int
    """Good messages in the file."""
    new: int
    """Those that were not in the store before."""
    users: int
    threads: int
    skipped: int
    """Malformed lines left out."""
    faults: tuple[str, ...]
    """What is wrong with the first of them, each with its place."""
    notes: tuple[str, ...] = ()
    """What was left out on purpose, and why."""


def run_import(
    settings: Settings,
    path: Path,
    format_: Format,
    *,
    user: str | None,
    thread: str | None = None,
    skip_bad: bool,
) -> None:
    """Import a file with a progress bar, and print what went in."""
    try:
        with open_bar() as progress:
            done = run(
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
    for line in (*skipped_lines(done), *done.notes):
        complain(f"Left out {line}")
    said = f"{counted(done.messages, 'message')} of {counted(done.users, 'user')}"
    sys.stdout.write(f"{said} in {counted(done.threads, 'thread')}, {done.new:,} of them new.\n")


async def import_file(
    settings: Settings,
    path: Path,
    format_: Format,
    *,
    user: str | None = None,
    thread: str | None = None,
    skip_bad: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """Store the messages of a transcript, their entities and vectors; what is there is skipped.

    Stopping keeps the chunks that went in; importing again stores the rest. `progress` is told
    (done, total), first of messages, then of the index.

    Raises:
        BadInput: the file cannot be read, holds no message, or has malformed lines that may not
            be skipped; nothing of it was stored.
    """
    user = None if user is None else validate_id(user, "user")
    transcript = await asyncio.to_thread(_read, path, format_, user, thread)
    _check(transcript, path, skip_bad)
    lines, new, done = transcript.lines, 0, 0
    async with open_memory(settings) as memory:
        store = memory.opened.store
        present = settings.clock()
        for of_user in by_user(lines):
            owner = await user_key(store, of_user[0].user)
            for chunk in await asyncio.to_thread(chunks, of_user, owner, present):
                new += await _whole(store_chunk(store, owner, chunk))
                done += len(chunk)
                if progress:
                    progress(done, len(lines))
            await rebuild_knowledge(store, owner)
        await store.index_pending(progress=progress)
    return Imported(
        messages=len(lines),
        new=new,
        users=len({line.user for line in lines}),
        threads=len({(line.user, line.thread) for line in lines}),
        skipped=transcript.bad,
        faults=tuple(transcript.faults),
        notes=tuple(transcript.notes),
    )


def skipped_lines(imported: Imported) -> list[str]:
    """Return what to tell about the lines left out: the first faults, and how many more."""
    more = imported.skipped - len(imported.faults)
    return [*imported.faults, f"and {more:,} more"] if more else list(imported.faults)


@contextmanager
def open_bar(what: str = "Importing") -> Iterator[Callable[[int, int], None] | None]:
    """Yield what draws a progress bar on stderr, None where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _read(path: Path, format_: Format, user: str | None, thread: str | None) -> Transcript:
    """Read a file; what names no user and no thread itself is told them."""
    if thread is not None and format_ != "langchain":
        raise BadInput(f"A {format_} file names its own threads; leave --thread out.")
    if format_ == "jsonl":
        return read_jsonl(path, user)
    if format_ == "locomo":
        return read_locomo(path, user)
    if user is None:
        raise BadInput(f"A {format_} file names no user; say whose memory it is with --user.")
    if format_ == "chatgpt":
        return read_chatgpt(path, user)
    return read_langchain(path, user, None if thread is None else validate_id(thread, "thread"))


def _check(transcript: Transcript, path: Path, skip_bad: bool) -> None:
    """Refuse a file without messages, and one with malformed lines unless they may be skipped."""
    name, bad = str(path), transcript.bad
    if bad and not (skip_bad and transcript.lines):
        shown = " ".join(transcript.faults[:FAULTS_IN_ERROR])
        many = "1 malformed line" if bad == 1 else f"{bad:,} malformed lines"
        remedy = "Mend the file, or leave such lines out with --skip-bad."
        raise BadInput(
            f"{name!r} was not imported for {many}; {shown} "
            + (remedy if transcript.lines else "No line is left to import.")
        )
    if not transcript.lines:
        raise BadInput(f"{name!r} holds no messages; name a file with at least one.")


async def _whole(work: Awaitable[T]) -> T:
    """Await `work`; when cancelled meanwhile, let it end first: no chunk goes in by half."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it wants one."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
