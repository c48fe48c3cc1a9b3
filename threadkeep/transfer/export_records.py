"""Validate the lines of an export before anything is stored."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model

from threadkeep.base.errors import BadInput
from threadkeep.base.strict_json import json_type, parse_json, sanitise_json
from threadkeep.transfer.export_format import (
    END,
    HEADER,
    ITEM,
    KINDS,
    STATE,
    TRANSIENT_LABELS,
    VERSION,
)
from threadkeep.transfer.record_types import (
    AbandonedValue,
    BlobUseValue,
    BlobValue,
    CorrectionValue,
    Count,
    Digest,
    EntityValue,
    FactValue,
    IdentityValue,
    Key,
    Label,
    MessageValue,
    Moment,
    NoteValue,
    PinsValue,
    ThreadValue,
    UsageValue,
)
from threadkeep.transfer.state_json import StateValue, parse_messages

MAX_LINE_BYTES = 32_000_000
"""The working state of a thread is one line."""
Record = dict[str, Any]

FIELDS: dict[str, dict[str, Any]] = {
    "thread": {"id": Label, "named": bool, "value": ThreadValue},
    "message": {"thread": Label, "id": Key, "value": MessageValue},
    "abandoned": {"thread": Label, "id": Key, "value": AbandonedValue},
    "note": {"thread": Label, "id": Key, "value": NoteValue},
    "entity": {"id": Key, "value": EntityValue},
    "fact": {"id": Key, "value": FactValue},
    "usage": {"id": Key, "value": UsageValue},
    "correction": {"id": Key, "value": CorrectionValue},
    "identity": {"id": Key, "value": IdentityValue},
    "pin": {"id": Key, "value": PinsValue},
    "blob": {"id": Digest, "value": BlobValue},
    "blob_use": {"thread": Label, "id": Digest, "value": BlobUseValue},
    ITEM: {
        "namespace": Annotated[list[Label], Field(min_length=1, max_length=6)],
        "id": Key,
        "value": dict[str, Any],
    },
    STATE: {"thread": Label, "value": StateValue},
    END: {"records": Count, "sha256": Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]},
}


def _record_adapter(kind: str, fields: dict[str, Any]) -> TypeAdapter[Any]:
    """Return the validator of a kind of record; other fields are refused."""
    required: dict[str, Any] = {name: (type_, ...) for name, type_ in fields.items()}
    config = ConfigDict(extra="forbid", strict=True)
    return TypeAdapter(create_model(kind, __config__=config, kind=(str, ...), **required))


ADAPTERS = {kind: _record_adapter(kind, fields) for kind, fields in FIELDS.items()}


class Header(BaseModel):
    """The first line; later versions may add fields."""

    model_config = ConfigDict(strict=True)

    kind: Literal["header"]
    schema_name: Annotated[Literal["threadkeep-export"], Field(alias="schema")]
    version: Annotated[int, Field(ge=1)]
    created: Moment
    user: Annotated[str, Field(min_length=1, max_length=128)]


def parse_header(line: bytes) -> Record:
    """Return the first line of an export.

    Raises:
        BadInput: it is no header, or of a newer version.
    """
    record = _parse_object(line)
    version = record.get("version")
    if record.get("kind") == HEADER and isinstance(version, int) and version > VERSION:
        raise BadInput(
            f"It is an export of version {version}, this threadkeep reads up to {VERSION}; "
            "install a newer threadkeep."
        )
    _validate(TypeAdapter(Header), record)
    return record


def parse_record(line: bytes) -> Record:
    """Return any later line of an export.

    Raises:
        BadInput: it is too long, not JSON, of an unknown kind, or a value in it is invalid.
    """
    if len(line) > MAX_LINE_BYTES:
        raise BadInput(f"It has more than {MAX_LINE_BYTES:,} bytes.")
    record = _parse_object(line)
    kind = record.get("kind")
    adapter = ADAPTERS.get(kind) if isinstance(kind, str) else None
    if adapter is None:
        raise BadInput(f"There is no kind {kind!r:.40}; the kinds are {', '.join(ADAPTERS)}.")
    _validate(adapter, record)
    if kind == STATE:
        parse_messages(record["value"])
    if kind == ITEM and record["namespace"][0] in {*KINDS, *TRANSIENT_LABELS}:
        raise BadInput(f"The namespace {record['namespace'][0]!r} has a kind of its own.")
    return record


def _parse_object(line: bytes) -> Record:
    record = sanitise_json(parse_json(line))
    if not isinstance(record, dict):
        raise BadInput(f"It is {json_type(record)}, not an object.")
    return record


def _validate(adapter: TypeAdapter[Any], record: Record) -> None:
    try:
        adapter.validate_python(record)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise BadInput(f"{field or 'It'} is not allowed: {reason[:200]}.") from None
