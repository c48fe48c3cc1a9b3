"""Merge an imported item with the stored one. Merging twice changes nothing more."""

from collections.abc import Callable, Mapping
from typing import Any

Value = dict[str, Any]
MAX_PINS = 1_000


def merge_value(kind: str, stored: Mapping[str, Any] | None, imported: Value) -> Value:
    """Return the value to store; the stored one where the import adds nothing."""
    if stored is None or stored == imported:
        return imported
    return MERGES.get(kind, _keep_stored)(dict(stored), imported)


def _keep_stored(stored: Value, _: Value) -> Value:
    return stored


def _merge_threads(stored: Value, imported: Value) -> Value:
    """Merge two records of one thread: the earliest creation, the latest use."""
    is_newer = str(imported.get("last_used") or "") > str(stored.get("last_used") or "")
    newer, older = (imported, stored) if is_newer else (stored, imported)
    created = [str(value["created"]) for value in (stored, imported) if value.get("created")]
    merged = {**older, **newer, "name": stored.get("name") or imported.get("name")}
    if corrected := {**(older.get("corrected") or {}), **(newer.get("corrected") or {})}:
        merged["corrected"] = corrected
    return merged | ({"created": min(created)} if created else {})


def _merge_usage(stored: Value, imported: Value) -> Value:
    """Return the larger sum: both count the same thread and day."""
    return imported if imported["calls"] > stored.get("calls", 0) else stored


def _merge_messages(stored: Value, imported: Value) -> Value:
    """Return the message that was corrected last."""
    return imported if _corrected_at(imported) > _corrected_at(stored) else stored


def _corrected_at(value: Value) -> str:
    history = value.get("history") or ()
    return str(history[-1]["until"]) if history else ""


def _merge_pins(stored: Value, imported: Value) -> Value:
    """Return the pins of both, the earliest first."""
    pins = {pin["place"][-1]: pin for pin in (*imported["pins"], *stored["pins"])}
    return {**stored, "pins": sorted(pins.values(), key=lambda pin: str(pin["at"]))[:MAX_PINS]}


MERGES: dict[str, Callable[[Value, Value], Value]] = {
    "message": _merge_messages,
    "pin": _merge_pins,
    "thread": _merge_threads,
    "usage": _merge_usage,
}
