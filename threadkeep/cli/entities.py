"""`threadkeep entities`: list, merge, split, undo."""

from collections.abc import Awaitable, Callable

from threadkeep.base.clock import local_minute
from threadkeep.base.settings import Settings
from threadkeep.cli.connection import with_memory
from threadkeep.cli.listings import entity_line
from threadkeep.cli.output import count_of, json_line, one_line, print_lines, print_notice
from threadkeep.knowledge.identities import IdentityChange
from threadkeep.memory import Memory
from threadkeep.stores.memory_ids import short_ids


def list_entities(settings: Settings, user_id: str, limit: int, *, as_json: bool) -> None:
    """Print people, places and things, the most mentioned first."""
    rows = with_memory(settings, lambda memory: memory.entities(limit, user_id=user_id))
    if not rows and not as_json:
        print_notice("Nothing is known.")
    ids = short_ids(row["id"] for row in rows)
    print_lines(
        json_line(row) if as_json else f"{ids[row['id']]}  {one_line(entity_line(row))}"
        for row in rows
    )


def change_entities(
    settings: Settings,
    change: Callable[[Memory, str], Awaitable[IdentityChange]],
    user_id: str,
    *,
    as_json: bool,
) -> None:
    """Merge, split or undo, and print the change."""
    row = with_memory(settings, lambda memory: change(memory, user_id))
    print_lines([json_line(row) if as_json else _change_line(row, row["id"][:8])])


def list_changes(settings: Settings, user_id: str, *, as_json: bool) -> None:
    """Print the merges, splits and undos, the oldest first."""
    rows = with_memory(settings, lambda memory: memory.entity_changes(user_id=user_id))
    ids = short_ids(row["id"] for row in rows)
    print_lines(json_line(row) if as_json else _change_line(row, ids[row["id"]]) for row in rows)


def _change_line(row: IdentityChange, short_id: str) -> str:
    name, other = one_line(row["name"]), one_line(row["other"])
    if row["kind"] == "merge":
        text = f"{other} is another name of {name}"
    elif row["kind"] == "undo":
        text = f"{row['undoes'][:8]} is undone"
    elif row["messages"]:
        text = f"{name} is {other} in {count_of(len(row['messages']), 'message')}"
    else:
        text = f"{name} is no other name of anybody"
    mark = " (undone)" if row["undone"] else ""
    return f"{short_id}  {local_minute(row['at'])}  {text}{mark}"
