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


def _optional(description: str) -> dict[str, Any]:
    return {"type": ["string", "null"], "description": description}


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
    claims={
        "type": "array",
        "items": _strict(
            message={"type": "integer", "description": "number of the message that says it"},
            subject=_TEXT,
            predicate=_TEXT,
            object=_TEXT,
            valid_from=_optional("since when: YYYY, YYYY-MM or YYYY-MM-DD; of a plan its date"),
            valid_to=_optional("the first day, month or year in which it holds no longer"),
            precision={"type": ["string", "null"], "enum": ["year", "month", "day", None]},
            polarity={"type": "string", "enum": ["positive", "negative"]},
            status={
                "type": "string",
                "enum": ["asserted", "planned", "cancelled", "corrected"],
            },
            replaces=_optional("of a correction: the wrong object"),
        ),
    },
    ends={"type": "array", "items": {"type": "string", "description": "id of a known fact"}},
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
