"""`threadkeep threads set` and `threads delete`: change what is kept of a thread."""

import asyncio
import json
import sys
from collections.abc import Iterable
from typing import Any

from cli.agent import open_agent
from graph.checks import check_id, clean_text
from graph.context import Context
from graph.errors import BadInput
from graph.settings import Settings

MINUTES_A_DAY = 24 * 60


def set_thread(
    settings: Settings,
    user: str,
    name: str,
    title: str | None,
    ttl_days: float | None,
    state: Iterable[str] | None,
    metadata: Iterable[str] | None,
    *,
    as_json: bool,
) -> None:
    """Change a thread's record and print it."""
    changes = {
        "title": title,
        "state": _pairs(state, "--state") if state else None,
        "metadata": _pairs(metadata, "--metadata") if metadata else None,
        "ttl_minutes": ttl_days * MINUTES_A_DAY if ttl_days is not None else None,
    }

    async def change() -> dict[str, Any]:
        async with open_agent(settings) as agent:
            context = Context(user_id=user)
            return await agent.change_thread(context, check_id(name, "thread"), **changes)

    record = asyncio.run(change())
    record.pop("last_message", None)
    if as_json:
        sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
    else:
        for key, value in record.items():
            sys.stdout.write(f"{key}: {value}\n")


def delete_thread(settings: Settings, user: str, name: str) -> None:
    """Delete a thread."""

    async def delete() -> None:
        async with open_agent(settings) as agent:
            await agent.delete_thread(Context(user_id=user), check_id(name, "thread"))

    asyncio.run(delete())


def _pairs(told: Iterable[str], option: str) -> dict[str, str | None]:
    """Return KEY=VALUE as a dict; an empty value is None.

    Raises:
        BadInput: there is no equals sign, or no key.
    """
    pairs: dict[str, str | None] = {}
    for each in told:
        key, equals, value = clean_text(each).partition("=")
        if not equals or not key.strip():
            raise BadInput(f"{option} {each!r:.60} is no KEY=VALUE; write it like topic=travel.")
        pairs[key.strip()] = value or None
    return pairs
