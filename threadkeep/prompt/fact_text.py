"""The line of a fact: what it says, the times in which it holds, whether it is planned, an age."""

from collections.abc import Mapping
from typing import Any

from threadkeep.base.ages import age_at
from threadkeep.base.clock import local_day
from threadkeep.base.fact_time import PLAN_MARK, is_period, is_plan
from threadkeep.extract.extraction import Fact

MAX_INTERVALS = 6
"""The newest are shown."""


def fact_text(record: Mapping[str, Any], moment: str) -> str:
    """Return the line of a fact as it is at `moment`: "user lives in Oslo (2019 to 2021)"."""
    mark = PLAN_MARK if is_plan(record, moment) else ""
    text = str(record.get("text") or "")
    intervals = [one for one in record.get("intervals") or () if not one.get("negated")]
    if len(intervals) > 1 or (intervals and intervals[0]["to"]):
        spans = [_span(interval, moment) for interval in intervals[-MAX_INTERVALS:]]
        text = f"{_sentence(record)} ({'; '.join(spans)})"
    elif record.get("valid_to"):
        text = f"{text} (until {_day(str(record['valid_to']))})"
    elif (age := age_at(record, moment)) and age.words != record["object"]:
        start = intervals[-1]["from"] if intervals else record["recorded_at"]
        text = f"{text} (said {_day(str(start))}; {age.words} by now)"
    return f"{mark}{text}"


def _sentence(record: Mapping[str, Any]) -> str:
    """Return a fact without its times."""
    return Fact(
        subject=record["subject"], predicate=record["predicate"], object=record["object"]
    ).sentence


def _span(interval: Mapping[str, Any], moment: str) -> str:
    """Return a time in words: "2019 to 2021", "until 2021", "since 2024", "planned from 2027"."""
    start, end = _day(interval["from"]), _day(interval["to"] or "")
    if interval.get("planned") and interval["from"] > moment:
        return f"planned from {start}"
    if end:
        return f"{start} to {end}" if start else f"until {end}"
    return f"since {start}" if start else "once"


def _day(time: str) -> str:
    """Return a year, a month or a day as it is, of a moment the local day."""
    return local_day(time) if time and not is_period(time) else time
