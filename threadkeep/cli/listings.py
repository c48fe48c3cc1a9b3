"""`threadkeep threads list` and `show`, `threadkeep memory list` and `search`."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from threadkeep.base.clock import local_minute, now
from threadkeep.base.fact_time import PLAN_MARK, is_plan
from threadkeep.base.settings import Settings
from threadkeep.base.validation import validate_id, validate_message
from threadkeep.cli.connection import with_memory
from threadkeep.cli.output import count_of, json_line, one_line, print_lines, print_notice
from threadkeep.knowledge.listing import Row
from threadkeep.memory import Memory
from threadkeep.stores.memory_ids import short_ids


def list_threads(settings: Settings, user_id: str, limit: int, *, as_json: bool) -> None:
    """Print the user's threads, the last used first."""
    rows = with_memory(settings, lambda memory: memory.threads(limit, user_id=user_id))
    _print_rows(rows, _thread_line, as_json=as_json)


def show_thread(settings: Settings, user_id: str, name: str, limit: int, *, as_json: bool) -> None:
    """Print the newest messages of a thread, in order."""
    name = validate_id(name, "thread")
    rows = with_memory(settings, lambda memory: memory.messages(name, limit, user_id=user_id))
    ids = short_ids(row["id"] for row in rows)
    _print_rows(rows, lambda row: f"{ids[row['id']]}  {_message_line(row)}", as_json=as_json)


def list_memory(
    settings: Settings, user_id: str, limit: int, *, superseded: bool, as_json: bool
) -> None:
    """Print the facts and entities that are known, the user's own first.

    Facts by subject, the newest last; with `superseded` also those that were replaced.
    """

    async def read(memory: Memory) -> list[Row]:
        facts = await memory.facts(limit, history=superseded, user_id=user_id)
        return [*facts, *await memory.entities(limit, user_id=user_id)]

    rows = with_memory(settings, read)
    print_lines(map(json_line, rows) if as_json else _memory_lines(rows))


def list_facts(
    settings: Settings,
    user_id: str,
    limit: int,
    *,
    history: bool,
    as_of: str | None,
    told_by: str | None,
    about: str | None,
    as_json: bool,
) -> None:
    """Print facts by what they are about; see `Memory.facts`."""

    async def read(memory: Memory) -> list[Row]:
        return await memory.facts(
            limit, history=history, as_of=as_of, told_by=told_by, about=about, user_id=user_id
        )

    rows = with_memory(settings, read)
    if not rows and not as_json:
        print_notice("Nothing is known.")
    print_lines(map(json_line, rows) if as_json else _memory_lines(rows))


def search_memory(
    settings: Settings, user_id: str, query: str, limit: int, *, as_json: bool
) -> None:
    """Print what answers `query`, the best first."""
    query = validate_message(query)
    rows = with_memory(settings, lambda memory: memory.search(query, limit, user_id=user_id))
    ids = short_ids(row["id"] for row in rows)
    _print_rows(rows, lambda row: f"{ids[row['id']]}  {_search_line(row)}", as_json=as_json)


def _thread_line(row: Row) -> str:
    title = f" ({row['title']})" if row.get("title") else ""
    turns = count_of(row["turns"], "turn")
    return f"{local_minute(row['last_used'])}  {turns}  {row['name']}{title}"


def _message_line(row: Row) -> str:
    return f"{local_minute(row['time'])}  {row.get('name') or row['role']}: {row['text']}"


def _search_line(row: Row) -> str:
    if row["kind"] != "message":
        time = local_minute(row.get("recorded_at") or row["last_seen"])
        return f"{row['score']:.2f}  {time}  {row['text']}"
    text = f"{row.get('name') or row['role']} in {row['thread']!r}: {row['text']}"
    return f"{row['score']:.2f}  {local_minute(row['time'])}  {text}"


def _memory_lines(rows: Sequence[Row]) -> Iterator[str]:
    """Return facts beneath their subject, and entities beneath a heading of their own."""
    ids = short_ids(row["id"] for row in rows)
    heading = ""
    for row in rows:
        subject = row["subject"] if row["kind"] == "fact" else "People, places and things"
        if subject != heading:
            if heading:
                yield ""
            yield one_line(subject)
            heading = subject
        line = _fact_line(row) if row["kind"] == "fact" else entity_line(row)
        yield f"  {ids[row['id']]}  {one_line(line)}"


def entity_line(row: Row) -> str:
    """Return the line of an entity: what is known of it, and how often it was mentioned."""
    mentions = count_of(row["mentions"], "time")
    return f"{row['text']}  (mentioned {mentions} since {local_minute(row['first_seen'])})"


def _fact_line(row: Row) -> str:
    about = "" if row.get("age_is_exact") else "about "
    age = f", now {about}{row['age']}" if "age" in row else ""
    until = f", until {local_minute(row['valid_to'])}" if row["valid_to"] else ""
    verb = "corrected" if row.get("corrected_at") else "said"
    time = local_minute(row.get("corrected_at") or row["recorded_at"])
    return (
        f"{PLAN_MARK * is_plan(row, now().isoformat())}{row['text']}  ({verb} {time}{until}{age})"
    )


def _print_rows(rows: Iterable[Row], line_of: Callable[[Row], str], *, as_json: bool) -> None:
    print_lines(json_line(row) if as_json else one_line(line_of(row)) for row in rows)
