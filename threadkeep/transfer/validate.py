"""The door for an export: each line is checked and bounded before anything is stored."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model

from threadkeep.base.errors import BadInput
from threadkeep.base.strict_json import json_type, parse_json, sanitise_json
from threadkeep.transfer.format import END, HEADER, ITEM, KINDS, PASSING, STATE, VERSION
from threadkeep.transfer.record_types import (
    AbandonedValue,
    CorrectionValue,
    Count,
    EntityValue,
    FactValue,
    Key,
    Label,
    MessageValue,
    Moment,
    NoteValue,
    PinsValue,
    ThreadValue,
    UsageValue,
)
from threadkeep.transfer.thread_state import VALUES, check_messages

LONGEST_LINE = 32_000_000
"""Bytes; the working state of a thread is one line."""
Record = dict[str, Any]


def _line(kind: str, fields: dict[str, Any]) -> Any:
    """Return the model of a line: nothing beside these fields stands on it."""
    told: dict[str, Any] = {name: (type_, ...) for name, type_ in fields.items()}
    return create_model(
        kind, __config__=ConfigDict(extra="forbid", strict=True), kind=(str, ...), **told
    )


FIELDS: dict[str, dict[str, Any]] = {
    "thread": {"id": Label, "named": bool, "value": ThreadValue},
    "message": {"thread": Label, "id": Key, "value": MessageValue},
    "abandoned": {"thread": Label, "id": Key, "value": AbandonedValue},
    "note": {"thread": Label, "id": Key, "value": NoteValue},
    "entity": {"id": Key, "value": EntityValue},
    "fact": {"id": Key, "value": FactValue},
    "usage": {"id": Key, "value": UsageValue},
    "correction": {"id": Key, "value": CorrectionValue},
    "pin": {"id": Key, "value": PinsValue},
    ITEM: {
        "namespace": Annotated[list[Label], Field(min_length=1, max_length=6)],
        "id": Key,
        "value": dict[str, Any],
    },
    STATE: {"thread": Label, "value": VALUES},
    END: {"records": Count, "sha256": Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]},
}
LINES = {kind: TypeAdapter(_line(kind, fields)) for kind, fields in FIELDS.items()}


class Header(BaseModel):
    """The first line; later versions may say more in it."""

    model_config = ConfigDict(strict=True)

    kind: Literal["header"]
    schema_name: Annotated[Literal["threadkeep-export"], Field(alias="schema")]
    version: Annotated[int, Field(ge=1)]
    created: Moment
    user: Annotated[str, Field(min_length=1, max_length=128)]


def parse_header(raw: bytes) -> Record:
    """Return the first line of an export.

    Raises:
        BadInput: it is none, or of a version that is not known here.
    """
    record = _object(raw)
    version = record.get("version")
    if record.get("kind") == HEADER and isinstance(version, int) and version > VERSION:
        raise BadInput(
            f"It is an export of version {version}, this threadkeep reads up to {VERSION}; "
            "install a newer threadkeep."
        )
    _checked(TypeAdapter(Header), record)
    return record


def parse_record(raw: bytes) -> Record:
    """Return any later line of an export.

    Raises:
        BadInput: it is too long, no JSON, of no known kind, or a value in it is not allowed.
    """
    if len(raw) > LONGEST_LINE:
        raise BadInput(f"It has more than {LONGEST_LINE:,} bytes.")
    record = _object(raw)
    kind = record.get("kind")
    lines = LINES.get(kind) if isinstance(kind, str) else None
    if lines is None:
        raise BadInput(f"There is no kind {kind!r:.40}; the kinds are {', '.join(LINES)}.")
    _checked(lines, record)
    if kind == STATE:
        check_messages(record["value"])
    if kind == ITEM and record["namespace"][0] in {*KINDS, *PASSING}:
        raise BadInput(f"The namespace {record['namespace'][0]!r} has a kind of its own.")
    return record


def _object(raw: bytes) -> Record:
    record = sanitise_json(parse_json(raw))
    if not isinstance(record, dict):
        raise BadInput(f"It is {json_type(record)}, not an object.")
    return record


def _checked(adapter: TypeAdapter[Any], record: Record) -> None:
    try:
        adapter.validate_python(record)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        why = first["msg"].removeprefix("Value error, ")
        raise BadInput(f"{place or 'It'} is not allowed: {why[:200]}.") from None
