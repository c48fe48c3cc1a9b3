"""The JSON schema of an extraction by a model, strict as OpenAI requires."""

from typing import Any

MAX_RECORDS = 50
MAX_CHARACTERS = 300
NAME = "note_extraction"


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
