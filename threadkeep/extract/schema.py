"""The JSON of an extraction by a model: its schema, strict as OpenAI requires, and its parser."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from threadkeep.extract.extraction import Entity, Extraction, Fact

MAX_RECORDS = 50
MAX_CHARACTERS = 300
NAME = "note_extraction"
_DATE = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?")


def _strict(**properties: Any) -> dict[str, Any]:
    """Return an object schema with exactly these fields, as the strict mode requires."""
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
    """Return the extraction in the JSON object in `text`, or None without a readable one."""
    start, end = text.find("{"), text.rfind("}")
    if not 0 <= start < end:
        return None
    try:
        return read_extraction(json.loads(text[start : end + 1]))
    except (ValueError, RecursionError):
        return None


def read_extraction(document: object) -> Extraction | None:
    """Return the extraction in a JSON document without its malformed parts; None if it is none."""
    if not isinstance(document, Mapping) or not ({"entities", "facts"} & document.keys()):
        return None
    entities = [_entity(record) for record in _records(document.get("entities"))]
    facts = [_fact(record) for record in _records(document.get("facts"))]
    return Extraction(
        entities=[entity for entity in entities if entity], facts=[fact for fact in facts if fact]
    )


def _entity(record: Mapping[str, Any]) -> Entity | None:
    name = _text(record.get("name"))
    attributes = {
        key: text
        for attribute, value in _attributes(record.get("attributes"))
        if (key := _text(attribute)) and (text := _text(value))
    }
    entity_type = _text(record.get("type")) or "unknown"
    return Entity(name=name, type=entity_type, attributes=attributes) if name else None


def _fact(record: Mapping[str, Any]) -> Fact | None:
    subject, predicate, object_ = (
        _text(record.get(key)) for key in ("subject", "predicate", "object")
    )
    if not (subject and predicate and object_):
        return None
    date = _text(record.get("valid_from"))
    valid_from = date if _DATE.fullmatch(date) else None
    return Fact(subject=subject, predicate=predicate, object=object_, valid_from=valid_from)


def _attributes(value: object) -> Iterable[tuple[Any, Any]]:
    """Return names and values, from an object or from the list of the schema."""
    if isinstance(value, Mapping):
        return value.items()
    return [(record.get("name"), record.get("value")) for record in _records(value)]


def _records(value: object) -> list[Mapping[str, Any]]:
    records = value if isinstance(value, list) else []
    return [record for record in records if isinstance(record, Mapping)][:MAX_RECORDS]


def _text(value: object) -> str:
    """Return a text or a number as one line of at most `MAX_CHARACTERS`."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return " ".join(str(value).split())[:MAX_CHARACTERS]
    return ""
