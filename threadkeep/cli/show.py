"""`threadkeep threads` and `threadkeep memory`: read what is kept."""

import json
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from langgraph.store.base import BaseStore, SearchItem

from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.base.user import acting_as
from threadkeep.base.validation import validate_id, validate_message
from threadkeep.checkpoints.thread_records import NO_LIMIT, list_records, newest_messages
from threadkeep.cli.event_loop import run
from threadkeep.cli.home import open_store
from threadkeep.stores.memory_ids import short_ids
from threadkeep.stores.namespaces import (
    all_messages_of,
    entities_of,
    facts_of,
    messages_of,
    thread_called,
    threads_of,
    user_key,
)
from threadkeep.stores.owned import OwnedStore

Row = dict[str, Any]


def list_threads(settings: Settings, user: str, limit: int, *, as_json: bool) -> None:
    """Print the user's threads, the last used first."""

    async def rows(store: BaseStore, owner: str) -> list[Row]:
        records = await list_records(store, threads_of(owner), limit)
        return [
            {"id": record.key} | _without(record.value, "last_message", "changed", "corrected")
            for record in records
        ]

    found = _read(settings, user, rows)
    _print(
        found,
        as_json,
        lambda r: (
            f"{_day(r['last_used'])}  {_times(r['turns'], 'turn')}  {r['name']}"
            + (f" ({r['title']})" if r.get("title") else "")
        ),
    )


def show_thread(settings: Settings, user: str, name: str, limit: int, *, as_json: bool) -> None:
    """Print the newest messages of a thread, in order."""
    name = validate_id(name, "thread")

    async def rows(store: BaseStore, owner: str) -> list[Row]:
        thread = thread_called(owner, name)
        record = await store.aget(threads_of(owner), thread)
        if record is None:
            raise BadInput(
                f"User {user!r} has no thread {name!r}; see threadkeep threads list for the names."
            )
        if "family" in record.value:
            from threadkeep.knowledge.branch_sync import thread_messages

            found = (await thread_messages(store, owner, thread, record.value))[-limit:]
        else:
            newest = await newest_messages(store, messages_of(owner, thread), limit)
            found = [(item.key, item.value) for item in newest]
        return [{"id": key} | _without(value, "before", "thread") for key, value in found]

    found = _read(settings, user, rows)
    ids = short_ids(row["id"] for row in found)
    _print(
        found,
        as_json,
        lambda r: f"{ids[r['id']]}  {_day(r['time'])}  {r.get('name') or r['role']}: {r['text']}",
    )


def list_memory(settings: Settings, user: str, limit: int, *, every: bool, as_json: bool) -> None:
    """Print the facts and entities that are known of a user's world, the user's own first.

    Facts by what they are about, the newest last; with `every` also those that were replaced.
    """

    async def rows(store: BaseStore, owner: str) -> list[Row]:
        entities = await store.asearch(entities_of(owner), limit=NO_LIMIT)
        facts = await store.asearch(facts_of(owner), limit=NO_LIMIT)
        found = [{"kind": "fact", "id": i.key} | i.value for i in facts]
        found = [row for row in found if every or not row["superseded_by"]]
        found.sort(key=lambda row: (*_about(row["subject"]), row["recorded_at"]))
        named = [{"kind": "entity", "id": i.key} | i.value for i in entities]
        named.sort(key=lambda row: (-row["mentions"], *_about(row["name"])))
        return [*found[:limit], *named[:limit]]

    found = _read(settings, user, rows)
    if as_json:
        _print(found, True, str)
        return
    ids = short_ids(row["id"] for row in found)
    about = ""
    for row in found:
        of = row["subject"] if row["kind"] == "fact" else "\0"
        if of != about:
            heading = of if row["kind"] == "fact" else "People, places and things"
            sys.stdout.write(("\n" if about else "") + " ".join(heading.split()) + "\n")
            about = of
        sys.stdout.write(f"  {ids[row['id']]}  {' '.join(_known_line(row).split())}\n")


def _about(name: str) -> tuple[bool, str]:
    return name != "user", name.casefold()


def search_memory(settings: Settings, user: str, query: str, limit: int, *, as_json: bool) -> None:
    """Print what is found for `query`, the best first."""
    query = validate_message(query)

    async def rows(store: BaseStore, owner: str) -> list[Row]:
        spaces = (all_messages_of(owner), entities_of(owner), facts_of(owner))
        found = [
            i for space in spaces for i in await store.asearch(space, query=query, limit=limit)
        ]
        found.sort(key=lambda item: item.score or 0.0, reverse=True)
        best = found[:limit]
        ids = sorted({str(i.value["thread"]) for i in best if "thread" in i.value})
        records = {key: await store.aget(threads_of(owner), key) for key in ids}
        named = {key: record.value["name"] for key, record in records.items() if record}
        return [_found(item, named) for item in best]

    found = _read(settings, user, rows)
    ids = short_ids(row["id"] for row in found)
    _print(found, as_json, lambda row: f"{ids[row['id']]}  {_found_line(row)}")


def _found(item: SearchItem, named: dict[str, str]) -> Row:
    kind = {"entities": "entity", "facts": "fact"}.get(item.namespace[1], "message")
    row = {"kind": kind, "id": item.key, "score": round(item.score or 0.0, 4)}
    row |= _without(item.value, "before", "thread")
    if thread := item.value.get("thread"):
        row["thread"] = named.get(thread, thread)
    return row


def _found_line(row: Row) -> str:
    if row["kind"] != "message":
        return (
            f"{row['score']:.2f}  {_day(row.get('recorded_at') or row['last_seen'])}  {row['text']}"
        )
    said = f"{row.get('name') or row['role']} in {row['thread']!r}: {row['text']}"
    return f"{row['score']:.2f}  {_day(row['time'])}  {said}"


def _known_line(row: Row) -> str:
    if row["kind"] == "entity":
        often = _times(row["mentions"], "time")
        return f"{row['text']}  (mentioned {often} since {_day(row['first_seen'])})"
    until = f", until {_day(row['valid_to'])}" if row["valid_to"] else ""
    verb = "corrected" if row.get("corrected_at") else "said"
    return f"{row['text']}  ({verb} {_day(row.get('corrected_at') or row['recorded_at'])}{until})"


def _read(
    settings: Settings, user: str, rows: Callable[[BaseStore, str], Awaitable[list[Row]]]
) -> list[Row]:
    async def read() -> list[Row]:
        async with open_store(settings) as store:
            with acting_as(user):
                return await rows(OwnedStore(store), await user_key(store, user))

    return run(read())


def _print(rows: Iterable[Row], as_json: bool, line: Callable[[Row], str]) -> None:
    for row in rows:
        text = json.dumps(row, ensure_ascii=False) if as_json else " ".join(line(row).split())
        sys.stdout.write(text + "\n")


def _without(value: Row, *keys: str) -> Row:
    return {key: told for key, told in value.items() if key not in keys}


def _times(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _day(moment: str) -> str:
    return moment[:16].replace("T", " ")
