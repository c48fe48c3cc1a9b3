"""`threadkeep usage`: what calls to the model took."""

import json
import sys

from langgraph.store.base import BaseStore

from threadkeep.base.settings import Settings
from threadkeep.base.user import acting_as
from threadkeep.cli.event_loop import run
from threadkeep.cli.home import open_store
from threadkeep.stores.namespaces import threads_of, user_key
from threadkeep.stores.owned import OwnedStore
from threadkeep.stores.usage import By, Usage, added, read_usage, sums

TOTAL = "total"


def show_usage(settings: Settings, user: str, by: By, *, as_json: bool) -> None:
    """Print the sums of a user by day, thread or purpose, and last the total."""
    rows = run(_rows(settings, user, by))
    for name, usage in rows.items():
        line = (
            json.dumps({by: name, **usage}, ensure_ascii=False) if as_json else _line(name, usage)
        )
        sys.stdout.write(line + "\n")


async def _rows(settings: Settings, user: str, by: By) -> dict[str, Usage]:
    async with open_store(settings) as opened:
        with acting_as(user):
            return await _sums(OwnedStore(opened), await user_key(opened, user), by)


async def _sums(store: BaseStore, owner: str, by: By) -> dict[str, Usage]:
    """Return the sums by name, the total last; nothing where there are none."""
    summed = sums(await read_usage(store, owner), by)
    named = dict[str, str]()
    for key in summed:
        record = await store.aget(threads_of(owner), key) if by == "thread" else None
        name = str(record.value.get("name") or key) if record else key
        named[key] = key if name in named.values() else name
    rows = {named[key]: usage for key, usage in summed.items()}
    return {**rows, TOTAL: added(summed.values())} if rows else {}


def _line(name: str, usage: Usage) -> str:
    guessed = f", {usage['estimated']} of the calls estimated" if usage["estimated"] else ""
    return (
        f"{name}  {usage['calls']:,} calls, {usage['prompt']:,} tokens in "
        f"({usage['cached']:,} cached), {usage['reply']:,} out{guessed}"
    )
