"""Whether a stored fact holds at some time: a moment, or a year, a month or a day.

Times are ISO 8601 in UTC, or the beginning of it: "2026-07" is the whole of July 2026.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from threadkeep.base.clock import now

PLAN_MARK = "planned: "
_PERIOD = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")


def is_period(text: str) -> bool:
    """Return whether `text` is a year, a month or a day of the calendar."""
    try:
        return bool(_PERIOD.fullmatch(text) and date.fromisoformat(f"{text}-01-01"[:10]))
    except ValueError:
        return False


def holds_at(record: Mapping[str, Any], moment: str) -> bool:
    """Return whether a fact holds at some time in `moment`.

    What is known not to be so holds as well: "user has not visited Norway".
    """
    return bool(_intervals_at(record, moment))


def is_true_at(record: Mapping[str, Any], moment: str) -> bool:
    """Return whether what a fact says is so at some time in `moment`."""
    return any(not interval.get("negated") for interval in _intervals_at(record, moment))


def is_plan(record: Mapping[str, Any], moment: str) -> bool:
    """Return whether a fact is a plan whose date has not come yet, or that has none."""
    return any(
        interval.get("planned") and (not interval["from"] or interval["from"] > moment)
        for interval in _intervals(record)
    )


def is_outdated(record: Mapping[str, Any]) -> bool:
    """Return whether a record is a fact that neither holds now nor is planned."""
    if "superseded_by" not in record:
        return False
    moment = now().isoformat()
    return not holds_at(record, moment) and not is_plan(record, moment)


def _intervals_at(record: Mapping[str, Any], moment: str) -> list[dict[str, Any]]:
    return [
        interval
        for interval in _intervals(record)
        if (interval["from"] or not interval.get("planned"))
        and interval["from"] <= _end_of(moment)
        and (interval["to"] is None or interval["to"] > moment)
    ]


def _intervals(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the intervals of a fact; at most one for a record of an earlier version."""
    if (intervals := record.get("intervals")) is not None:
        return list(intervals)
    if record.get("superseded_by") and not record.get("valid_to"):
        return []
    return [{"from": str(record.get("valid_from") or ""), "to": record.get("valid_to")}]


def _end_of(moment: str) -> str:
    """Return a text that is not less than any time in a year, a month or a day."""
    return f"{moment}~"
