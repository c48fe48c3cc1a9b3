"""Read an export: once to check every line of it, and again to take it in."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from threadkeep.base.errors import BadInput
from threadkeep.base.strict_json import raw_lines
from threadkeep.transfer.format import END, STATE, Seal
from threadkeep.transfer.validate import LONGEST_LINE, parse_header, parse_record

REMEMBERED = 500
"""So many messages of a thread tell whether it is one that is there already."""
REMEDY = "Export it again; nothing of it was imported."
OF_ONE_THREAD = ("message", "abandoned", "note", STATE)
BOM = b"\xef\xbb\xbf"


@dataclass(kw_only=True)
class Seen:
    """What a file says of one thread."""

    id: str
    name: str
    named: bool
    """Whether its id was made of its name."""
    messages: list[str] = field(default_factory=list)
    """The ids of its first messages."""


@dataclass(kw_only=True)
class Survey:
    """What a whole and well-formed file holds."""

    user: str
    records: int = 0
    messages: int = 0
    threads: dict[str, Seen] = field(default_factory=dict)


def survey(file: IO[bytes], name: str) -> Survey:
    """Check every line of an export from its beginning, and return what it holds.

    Raises:
        BadInput: a line is not allowed, is missing, or was changed; it says which and why.
    """
    file.seek(0)
    found, seal = Survey(user=""), Seal()
    ended = number = 0
    for number, raw in raw_lines(file, LONGEST_LINE):
        if ended:
            raise BadInput(f"{name!r}, line {number}: something follows its end. {REMEDY}")
        line = raw.rstrip(b"\r\n") + b"\n"
        try:
            if number == 1:
                line = line.removeprefix(BOM)
                found.user = str(parse_header(line)["user"])
            else:
                record = parse_record(line)
                _take(found, record)
                if record["kind"] == END:
                    ended = number
                    _check_end(record, seal)
        except BadInput as error:
            if not raw.endswith(b"\n") and not ended:
                break
            raise BadInput(f"{name!r}, line {number}: {error} {REMEDY}") from error
        seal.add(line)
    if not ended:
        raise BadInput(f"{name!r} is cut off at line {number}: its end is missing. {REMEDY}")
    return found


def records(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Yield what stands between header and end of an export that was checked."""
    file.seek(0)
    for number, raw in raw_lines(file, LONGEST_LINE):
        if number > 1:
            record = parse_record(raw)
            if record["kind"] != END:
                yield record


def _take(found: Survey, record: dict[str, Any]) -> None:
    kind = record["kind"]
    if kind == "thread":
        if record["id"] in found.threads:
            raise BadInput(f"The thread {record['id']!r} is there twice.")
        name = str(record["value"].get("name") or "")
        found.threads[record["id"]] = Seen(id=record["id"], name=name, named=record["named"])
    elif kind in OF_ONE_THREAD:
        thread = found.threads.get(record["thread"])
        if thread is None:
            raise BadInput(f"Its thread {record['thread']!r} is on no line before it.")
        if kind == "message":
            found.messages += 1
            if len(thread.messages) < REMEMBERED:
                thread.messages.append(record["id"])
    found.records += kind != END


def _check_end(end: dict[str, Any], seal: Seal) -> None:
    if end["records"] != seal.records:
        raise BadInput(f"There should be {end['records']:,} lines before it, not {seal.records:,}.")
    if end["sha256"] != seal.hexdigest:
        raise BadInput("A line before it is not what was exported (the digest differs).")
