"""Import files of any format: read them all, tell what cannot be read, write the rest."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from threadkeep.base.errors import BadInput
from threadkeep.transfer.export_reader import open_export
from threadkeep.transfer.import_conversations import ImportResult
from threadkeep.transfer.importers.formats import FORMATS, Format
from threadkeep.transfer.importers.inputs import InputFile, Inputs, find_inputs
from threadkeep.transfer.importers.reader import read_conversations
from threadkeep.transfer.importers.transcript import ImportPath, Transcript
from threadkeep.transfer.restore import RestoreResult

FILE = "upload"
"""Name of the copy of a file that came without a path."""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file that was sent, read and validated; nothing of it is stored."""

    transcript: Transcript
    exports: list[ImportPath]
    faults: list[str]
    """What cannot be read, in sentences."""


def read_inputs(
    inputs: Inputs, user_of: Callable[[Format], str | None], thread: str | None, *, skip_bad: bool
) -> Transcript:
    """Return the messages of all files but exports; faults of files go to `inputs.faults`.

    `user_of` returns whose messages those of a format are, None for those that the file names.
    """
    transcript = Transcript(notes=list(inputs.notes))
    for file in inputs.files:
        if file.format == "export":
            continue
        try:
            transcript.extend(_read(file, user_of, thread, skip_bad=skip_bad))
        except BadInput as error:
            inputs.faults.append(str(error))
    return transcript


@asynccontextmanager
async def open_upload(
    file: IO[bytes],
    name: str,
    user: str,
    *,
    format_: str | None = None,
    thread: str | None = None,
    skip_bad: bool = False,
) -> AsyncIterator[Upload]:
    """Read a file of any format, or an archive of them; all messages are the user's.

    Raises:
        BadInput: it holds no messages that can be read; `name` stands for the file.
    """
    if format_ not in (None, *FORMATS):
        raise BadInput(f"format {format_!r:.40} is not known; use {', '.join(FORMATS)}.")
    stack, folder = ExitStack(), await asyncio.to_thread(TemporaryDirectory)
    path = Path(folder.name) / FILE

    def read() -> Upload:
        file.seek(0)
        with path.open("wb") as copy:
            shutil.copyfileobj(file, copy)
        known_format: Format | None = format_
        inputs = find_inputs([path], known_format, stack)
        transcript = read_inputs(inputs, lambda _: user, thread, skip_bad=skip_bad)
        exports = [part.path for part in inputs.files if part.format == "export"]
        return Upload(transcript=transcript, exports=exports, faults=inputs.faults)

    try:
        upload = await asyncio.to_thread(read)
        faults = [sentence.replace(str(path), name) for sentence in upload.faults]
        if not upload.transcript.messages and not upload.exports:
            raise BadInput(" ".join(faults) or f"{name!r} holds no messages.")
        yield Upload(transcript=upload.transcript, exports=upload.exports, faults=faults)
    except BadInput as error:
        raise BadInput(str(error).replace(str(path), name)) from None
    finally:
        await asyncio.to_thread(stack.close)
        await asyncio.to_thread(folder.cleanup)


async def import_upload(
    upload: Upload,
    store: Callable[[Transcript], Awaitable[ImportResult]],
    restore: Callable[[IO[bytes]], Awaitable[RestoreResult]],
) -> ImportResult:
    """Store what was read; return one result for all of it."""
    results = [await store(upload.transcript)] if upload.transcript.messages else []
    for path in upload.exports:
        with ExitStack() as stack:
            export = await asyncio.to_thread(stack.enter_context, open_export(path))
            results.append(_as_import(await restore(export)))
    return _sum(results, upload.faults)


def _as_import(result: RestoreResult) -> ImportResult:
    return ImportResult(
        messages=result.messages,
        new=result.new,
        users=1,
        threads=result.threads,
        skipped=0,
        faults=(),
        forgotten=result.forgotten,
        renamed=tuple(result.renamed.items()),
    )


def _sum(results: Iterable[ImportResult], faults: Iterable[str]) -> ImportResult:
    all_results = list(results)
    return ImportResult(
        messages=sum(result.messages for result in all_results),
        new=sum(result.new for result in all_results),
        users=1,
        threads=sum(result.threads for result in all_results),
        skipped=sum(result.skipped for result in all_results),
        faults=(*faults, *(fault for result in all_results for fault in result.faults)),
        notes=tuple(note for result in all_results for note in result.notes),
        forgotten=sum(result.forgotten for result in all_results),
        renamed=tuple(pair for result in all_results for pair in result.renamed),
    )


def _read(
    file: InputFile, user_of: Callable[[Format], str | None], thread: str | None, *, skip_bad: bool
) -> Transcript:
    return read_conversations(
        file.path,
        file.format,
        user_id=user_of(file.format),
        thread=thread,
        skip_malformed=skip_bad,
        may_be_empty=file.is_part,
    )
