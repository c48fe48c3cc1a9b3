"""`threadkeep threads` and `threadkeep memory`: print what is stored."""

import json
import sys
from collections.abc import Callable, Iterable

from threadkeep.base.settings import Settings
from threadkeep.base.validation import validate_id, validate_message
from threadkeep.cli.connection import with_memory
from threadkeep.knowledge.listing import Row
from threadkeep.memory import Memory
from threadkeep.stores.memory_ids import short_ids


def list_threads(settings: Settings, user_id: str, limit: int, *, as_json: bool) -> None:
    """Print the user's threads, the last used first."""
    rows = with_memory(settings, lambda memory: memory.threads(limit, user_id=user_id))
    _print(
        rows,
        as_json,
        lambda row: (
            f"{_day(row['last_used'])}  {_count(row['turns'], 'turn')}  {row['name']}"
            + (f" ({row['title']})" if row.get("title") else "")
        ),
    )


def show_thread(settings: Settings, user_id: str, name: str, limit: int, *, as_json: bool) -> None:
    """Print the newest messages of a thread, in order."""
    name = validate_id(name, "thread")
    rows = with_memory(settings, lambda memory: memory.messages(name, limit, user_id=user_id))
    ids = short_ids(row["id"] for row in rows)
    _print(
        rows,
        as_json,
        lambda row: (
            f"{ids[row['id']]}  {_day(row['time'])}  "
            f"{row.get('name') or row['role']}: {row['text']}"
        ),
    )


def list_memory(
    settings: Settings, user_id: str, limit: int, *, superseded: bool, as_json: bool
) -> None:
    """Print the facts and entities that are known, the user's own first.

    Facts by what they are about, the newest last; with `superseded` also those that were replaced.
    """

    async def read(memory: Memory) -> list[Row]:
        facts = await memory.facts(limit, superseded=superseded, user_id=user_id)
        return [*facts, *await memory.entities(limit, user_id=user_id)]

    rows = with_memory(settings, read)
    if as_json:
        _print(rows, True, str)
        return
    ids = short_ids(row["id"] for row in rows)
    heading = ""
    for row in rows:
        subject = row["subject"] if row["kind"] == "fact" else "People, places and things"
        if subject != heading:
            sys.stdout.write(("\n" if heading else "") + " ".join(subject.split()) + "\n")
            heading = subject
        sys.stdout.write(f"  {ids[row['id']]}  {' '.join(_known_line(row).split())}\n")


def search_memory(
    settings: Settings, user_id: str, query: str, limit: int, *, as_json: bool
) -> None:
    """Print what answers `query`, the best first."""
    query = validate_message(query)
    rows = with_memory(settings, lambda memory: memory.search(query, limit, user_id=user_id))
    ids = short_ids(row["id"] for row in rows)
    _print(rows, as_json, lambda row: f"{ids[row['id']]}  {_search_line(row)}")


def _search_line(row: Row) -> str:
    if row["kind"] != "message":
        day = _day(row.get("recorded_at") or row["last_seen"])
        return f"{row['score']:.2f}  {day}  {row['text']}"
    text = f"{row.get('name') or row['role']} in {row['thread']!r}: {row['text']}"
    return f"{row['score']:.2f}  {_day(row['time'])}  {text}"


def _known_line(row: Row) -> str:
    if row["kind"] == "entity":
        mentions = _count(row["mentions"], "time")
        return f"{row['text']}  (mentioned {mentions} since {_day(row['first_seen'])})"
    until = f", until {_day(row['valid_to'])}" if row["valid_to"] else ""
    verb = "corrected" if row.get("corrected_at") else "said"
    return f"{row['text']}  ({verb} {_day(row.get('corrected_at') or row['recorded_at'])}{until})"


def _print(rows: Iterable[Row], as_json: bool, line: Callable[[Row], str]) -> None:
    for row in rows:
        text = json.dumps(row, ensure_ascii=False) if as_json else " ".join(line(row).split())
        sys.stdout.write(text + "\n")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _day(moment: str) -> str:
    return moment[:16].replace("T", " ")
