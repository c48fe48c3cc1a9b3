"""Read an export twice: once to validate every line, and again to restore it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO

from threadkeep.base.errors import BadInput
from threadkeep.base.strict_json import raw_lines
from threadkeep.transfer.export_format import END, THREAD_KINDS, Checksum
from threadkeep.transfer.export_records import MAX_LINE_BYTES, Record, parse_header, parse_record
from threadkeep.transfer.importers.transcript import ImportPath, open_transcript

SAMPLE = 500
"""Messages of a thread by which a thread with the same messages is recognised."""
REMEDY = "Export it again; nothing of it was imported."
BOM = b"\xef\xbb\xbf"


@dataclass(kw_only=True)
class ThreadSummary:
    """One thread of an export."""

    id: str
    name: str
    has_derived_id: bool
    """Whether the id was made from the name."""
    messages: list[str] = field(default_factory=list)
    """Ids of the first `SAMPLE` messages."""


@dataclass(kw_only=True)
class ExportSummary:
    """The contents of a complete and valid export."""

    user: str
    records: int = 0
    messages: int = 0
    threads: dict[str, ThreadSummary] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Count a record.

        Raises:
            BadInput: its thread is unknown, or occurs twice.
        """
        kind = record["kind"]
        if kind == "thread":
            self._add_thread(record)
        elif kind in THREAD_KINDS:
            thread = self.threads.get(record["thread"])
            if thread is None:
                raise BadInput(f"Its thread {record['thread']!r} is on no line before it.")
            if kind == "message":
                self.messages += 1
                if len(thread.messages) < SAMPLE:
                    thread.messages.append(record["id"])
        self.records += kind != END

    def _add_thread(self, record: Record) -> None:
        thread = record["id"]
        if thread in self.threads:
            raise BadInput(f"The thread {thread!r} is there twice.")
        name = str(record["value"].get("name") or "")
        self.threads[thread] = ThreadSummary(id=thread, name=name, has_derived_id=record["named"])


def validate_export(file: IO[bytes], name: str) -> ExportSummary:
    """Validate every line of an export from its beginning; `name` stands in errors.

    Raises:
        BadInput: a line is invalid, missing or changed; the sentence says which and why.
    """
    file.seek(0)
    summary, checksum = ExportSummary(user=""), Checksum()
    end = number = 0
    for number, raw in raw_lines(file, MAX_LINE_BYTES):
        if end:
            raise BadInput(f"{name!r}, line {number}: something follows its end. {REMEDY}")
        line = raw.rstrip(b"\r\n") + b"\n"
        try:
            if number == 1:
                line = line.removeprefix(BOM)
                summary.user = str(parse_header(line)["user"])
            else:
                record = parse_record(line)
                summary.add(record)
                if record["kind"] == END:
                    end = number
                    _validate_end(record, checksum)
        except BadInput as error:
            if not raw.endswith(b"\n") and not end:
                break
            raise BadInput(f"{name!r}, line {number}: {error} {REMEDY}") from error
        checksum.add(line)
    if not end:
        raise BadInput(f"{name!r} is cut off at line {number}: its end is missing. {REMEDY}")
    return summary


def read_records(file: IO[bytes]) -> Iterator[Record]:
    """Yield the records between header and end of a valid export."""
    file.seek(0)
    for number, raw in raw_lines(file, MAX_LINE_BYTES):
        if number > 1:
            record = parse_record(raw)
            if record["kind"] != END:
                yield record


@contextmanager
def open_export(path: ImportPath) -> Iterator[IO[bytes]]:
    """Open an export so that it can be read twice; a pipe is copied first.

    Raises:
        BadInput: it cannot be read.
    """
    with open_transcript(path) as file:
        if file.seekable():
            yield file
            return
        with TemporaryFile() as copy:
            shutil.copyfileobj(file, copy)
            yield copy


def _validate_end(end: Record, checksum: Checksum) -> None:
    if end["records"] != checksum.records:
        raise BadInput(
            f"There should be {end['records']:,} lines before it, not {checksum.records:,}."
        )
    if end["sha256"] != checksum.hexdigest:
        raise BadInput("A line before it is not what was exported (the digest differs).")
