"""All that is known of a user as one page: what, why and since when. No scripts, all escaped."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from importlib.resources import files
from typing import Any

from jinja2 import Environment
from langgraph.store.base import BaseStore

from threadkeep.base.clock import now
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.stores.usage import added
from threadkeep.transfer.export import export_user
from threadkeep.transfer.report_view import Page, View, more, seen

PIECES = 64


def report_user(store: BaseStore, saver: OwnedSaver, user_id: str) -> AsyncIterator[str]:
    """Return the page in pieces. It shows what an export holds, and nothing else.

    Raises:
        AccessRefused: the user who asks (see `threadkeep/base/user.py`) is another one, or nobody.
    """
    return report_of(export_user(store, saver, user_id), user_id)


async def report_of(lines: AsyncIterator[str], user: str) -> AsyncIterator[str]:
    """Yield the page of a user whose export these lines are."""
    page = Page()
    async for line in lines:
        page.take(json.loads(line))
    template = await asyncio.to_thread(_template)
    stream = template.stream(user=user, at=now().isoformat(), **page.views())
    stream.enable_buffering(PIECES)
    pieces = iter(stream)
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece


def _template() -> Any:
    made = Environment(
        autoescape=True,
        finalize=seen,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"day": day, "number": number, "more": more, "total": total}
    return made.from_string(
        (files("threadkeep.transfer") / "report.html").read_text(encoding="utf-8")
    )


def day(moment: object) -> str:
    """Return a moment for people: to the minute, in the zone that it is written in."""
    return str(moment or "")[:16].replace("T", " ")


def number(value: object) -> str:
    """Return a whole number with commas between thousands."""
    return f"{value:,}" if isinstance(value, int) else str(value)


def total(rows: Iterable[View]) -> View:
    """Return the sum of usage."""
    return dict(added(row["value"] for row in rows))
