"""A user's memory as one HTML page, with the source and date of each fact. No scripts."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from importlib.resources import files

from jinja2 import Environment, Template

from threadkeep.base.clock import local_minute
from threadkeep.opened import Opened
from threadkeep.stores.usage import sum_usage
from threadkeep.transfer.export import export_user
from threadkeep.transfer.report_view import ReportView, View, other_fields, printable

BUFFER = 64
"""Pieces of the template that are joined before they are yielded."""


def report_html(opened: Opened, user_id: str) -> AsyncIterator[str]:
    """Return the page in pieces; it shows what an export contains and nothing else.

    Raises:
        AccessRefused: the acting user (see `threadkeep/base/user.py`) is another one, or missing.
    """
    return render_report(export_user(opened, user_id))


async def render_report(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """Yield the page of the user whose export these lines are, in pieces."""
    view = ReportView()
    async for line in lines:
        view.add(json.loads(line))
    template = await asyncio.to_thread(_load_template)
    stream = template.stream(**view.sections())
    stream.enable_buffering(BUFFER)
    pieces = iter(stream)
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece


def _load_template() -> Template:
    environment = Environment(
        autoescape=True, finalize=printable, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "minute": format_minute,
        "number": format_number,
        "other_fields": other_fields,
        "total": total_usage,
    }
    source = (files("threadkeep.transfer") / "report.html").read_text(encoding="utf-8")
    return environment.from_string(source)


def format_minute(moment: object) -> str:
    """Return an ISO 8601 time to the minute, in the user's zone."""
    return local_minute(str(moment or ""))


def format_number(value: object) -> str:
    """Return an integer with commas between thousands."""
    return f"{value:,}" if isinstance(value, int) else str(value)


def total_usage(rows: Iterable[View]) -> View:
    """Return the sum of usage rows."""
    return dict(sum_usage(row["value"] for row in rows))
