"""What becomes of an item that is here already when an export brings it too. Twice is once."""

from collections.abc import Callable, Mapping
from typing import Any

Value = dict[str, Any]
MOST_PINS = 1_000


def merged(kind: str, mine: Mapping[str, Any] | None, theirs: Value) -> Value:
    """Return what is to be kept; `mine` where the export says nothing new."""
    if mine is None or mine == theirs:
        return theirs
    return MERGES.get(kind, _mine)(dict(mine), theirs)


def _mine(mine: Value, _: Value) -> Value:
    return mine


def _thread(mine: Value, theirs: Value) -> Value:
    """Join the records of one thread: the earliest beginning, the latest use."""
    newer, older = _by(mine, theirs, "last_used")
    began = [str(each["created"]) for each in (mine, theirs) if each.get("created")]
    joined = {**older, **newer, "name": mine.get("name") or theirs.get("name")}
    if corrected := {**(older.get("corrected") or {}), **(newer.get("corrected") or {})}:
        joined["corrected"] = corrected
    return joined | ({"created": min(began)} if began else {})


def _usage(mine: Value, theirs: Value) -> Value:
    """Keep the sums that have gone further: both count one thread's day."""
    return theirs if theirs["calls"] > mine.get("calls", 0) else mine


def _message(mine: Value, theirs: Value) -> Value:
    """Keep the wording that was corrected last."""
    return theirs if _corrected(theirs) > _corrected(mine) else mine


def _corrected(value: Value) -> str:
    history = value.get("history") or ()
    return str(history[-1]["until"]) if history else ""


def _pins(mine: Value, theirs: Value) -> Value:
    """Join the pins, the earliest first."""
    pins = {pin["place"][-1]: pin for pin in (*theirs["pins"], *mine["pins"])}
    return {**mine, "pins": sorted(pins.values(), key=lambda pin: str(pin["at"]))[:MOST_PINS]}


def _by(mine: Value, theirs: Value, time: str) -> tuple[Value, Value]:
    """Return the newer and the older; as new, mine comes first."""
    newer = str(theirs.get(time) or "") > str(mine.get(time) or "")
    return (theirs, mine) if newer else (mine, theirs)


MERGES: dict[str, Callable[[Value, Value], Value]] = {
    "message": _message,
    "pin": _pins,
    "thread": _thread,
    "usage": _usage,
}
