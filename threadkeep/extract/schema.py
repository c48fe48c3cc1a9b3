"""The JSON in which a model says what it found, strict as OpenAI wants it, and how it is read."""

import json
import re
from collections.abc import Mapping
from typing import Any

from threadkeep.extract.extraction import Entity, Extraction, Fact

MOST = 50
LONGEST = 300
NAME = "note_extraction"
_DAY = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?")


def _strict(**properties: Any) -> dict[str, Any]:
    """Return an object that has exactly these fields: the strict mode knows no free keys."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_TEXT = {"type": "string"}
SCHEMA: dict[str, Any] = _strict(
    entities={
        "type": "array",
        "items": _strict(
            name=_TEXT,
            type={"type": "string", "description": "person, place, organisation, animal, thing"},
            attributes={"type": "array", "items": _strict(name=_TEXT, value=_TEXT)},
        ),
    },
    facts={
        "type": "array",
        "items": _strict(
            subject=_TEXT,
            predicate=_TEXT,
            object=_TEXT,
            valid_from={
                "type": ["string", "null"],
                "description": "since when: YYYY, YYYY-MM or YYYY-MM-DD",
            },
        ),
    },
)
RESPONSE_FORMAT: dict[str, Any] = {
    "type": "json_schema",
    "json_schema": {"name": NAME, "strict": True, "schema": SCHEMA},
}
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": NAME,
        "description": "Note what the message says.",
        "strict": True,
        "parameters": SCHEMA,
    },
}


def read_json(text: str) -> Extraction | None:
    """Return what the JSON object in `text` says, or None where there is none to be read."""
    start, end = text.find("{"), text.rfind("}")
    if not 0 <= start < end:
        return None
    try:
        return read_extraction(json.loads(text[start : end + 1]))
    except (ValueError, RecursionError):
        return None


def read_extraction(told: object) -> Extraction | None:
    """Return what a model said, without what is malformed in it; None if it is nothing of ours."""
    if not isinstance(told, Mapping) or not ({"entities", "facts"} & told.keys()):
        return None
    entities = [_entity(each) for each in _list(told.get("entities"))]
    facts = [_fact(each) for each in _list(told.get("facts"))]
    return Extraction(entities=[e for e in entities if e], facts=[f for f in facts if f])


def _entity(told: Mapping[str, Any]) -> Entity | None:
    name = _text(told.get("name"))
    given = told.get("attributes")
    pairs = given.items() if isinstance(given, Mapping) else _pairs(given)
    attributes = {key: value for k, v in pairs if (key := _text(k)) and (value := _text(v))}
    kind = _text(told.get("type")) or "unknown"
    return Entity(name=name, type=kind, attributes=attributes) if name else None


def _fact(told: Mapping[str, Any]) -> Fact | None:
    parts = [_text(told.get(key)) for key in ("subject", "predicate", "object")]
    since = _text(told.get("valid_from"))
    since = since if _DAY.fullmatch(since) else ""
    if not all(parts):
        return None
    return Fact(subject=parts[0], predicate=parts[1], object=parts[2], valid_from=since or None)


def _pairs(given: object) -> list[tuple[Any, Any]]:
    return [(each.get("name"), each.get("value")) for each in _list(given)]


def _list(value: object) -> list[Mapping[str, Any]]:
    found = value if isinstance(value, list) else []
    return [each for each in found if isinstance(each, Mapping)][:MOST]


def _text(value: object) -> str:
    """Return a text or a number as one bounded line."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return " ".join(str(value).split())[:LONGEST]
    return ""
