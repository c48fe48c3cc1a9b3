"""Read the extraction in a model's reply; repair the shapes that models produce, or drop them."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any, TypedDict

from threadkeep.base.fact_time import is_period
from threadkeep.base.validation import sanitise_text
from threadkeep.extract.extraction import Entity, Extraction, Fact, Status
from threadkeep.extract.reply_json import json_values, unwrap
from threadkeep.extract.schema import MAX_CHARACTERS, MAX_RECORDS

_ENTITIES = ("entities", "entity", "nodes")
_FACTS = (
    "claims",
    "facts",
    "claim",
    "fact",
    "triples",
    "triplets",
    "relations",
    "relationships",
    "edges",
)
_SUBJECT = ("subject", "subj", "source", "head", "from", "entity")
_PREDICATE = ("predicate", "relation", "relationship", "property", "attribute", "verb", "edge")
_OBJECT = ("object", "obj", "target", "tail", "to", "value")
_NAME = ("name", "entity", "id", "label", "text")
_TYPE = ("type", "category", "kind")
_SINCE = ("valid_from", "since", "date", "start", "start_date")
_UNTIL = ("valid_to", "until", "end", "end_date")
_ENDS = ("ends", "ended", "closes", "closed")
_NEGATIVE = ("negative", "neg", "false", "no", "not", "denied")
_STATUSES: dict[str, Status] = {
    "planned": "planned", "plan": "planned", "future": "planned", "intended": "planned",
    "cancelled": "cancelled", "canceled": "cancelled", "called off": "cancelled",
    "corrected": "corrected", "correction": "corrected",
}  # fmt: skip
_PRECISIONS = {"year": 4, "month": 7}
"""Characters of a date of ISO 8601."""
_BOOLEANS = {True: "yes", False: "no"}
_MISSING = object()
_MAX_DIGITS = 4
_DATE = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?(?![\w-])|\d{4}-\d{2}-\d{2}(?=T)")


class _Claim(TypedDict):
    """What a record says beside subject, predicate and object."""

    valid_from: str | None
    valid_to: str | None
    negated: bool
    status: Status
    replaces: str | None
    message: int


def read_reply(text: str) -> Extraction | None:
    """Return the extraction in a reply, or None without a readable one."""
    for value in json_values(text):
        if (extraction := read_extraction(value)) is not None:
            return extraction
    return Extraction() if text.strip("` \njson") in ("[]", "{}") else None


def read_extraction(document: object) -> Extraction | None:
    """Return the extraction in a JSON document; None if it is none. It never raises.

    `dropped` counts the records that no entity and no fact could be made of.
    """
    document = unwrap(document)
    if isinstance(document, list):
        return _of_list(document)
    if not isinstance(document, Mapping):
        return None
    fields = _fields(document)
    entities, facts = _get(fields, _ENTITIES), _get(fields, _FACTS)
    ends = _get(fields, _ENDS)
    if entities is _MISSING and facts is _MISSING and not isinstance(ends, list):
        if _is_fact(fields):
            return _extraction([], [document])
        inner = [value for value in fields.values() if isinstance(value, Mapping | list | str)]
        # {"note_extraction": {...}}: the answer in the name of its schema.
        return read_extraction(inner[0]) if len(fields) == 1 and inner else None
    extraction = _extraction(_records(entities), _records(facts))
    extraction.ends = [id_ for record in _records(ends) for id_ in _texts(_id_of(record))]
    return extraction


def _of_list(records: list[Any]) -> Extraction | None:
    """Return the extraction of a bare list: of facts, of entities, or of one whole answer."""
    mappings = [_fields(record) for record in records if isinstance(record, Mapping)]
    if len(records) == 1 and mappings and not _is_fact(mappings[0]):
        return read_extraction(records[0])
    if any(_is_fact(fields) for fields in mappings):
        return _extraction([], records)
    return None


def _extraction(entities: Sequence[Any], facts: Sequence[Any]) -> Extraction:
    all_entities = [_entity(record) for record in entities[:MAX_RECORDS]]
    names = [entity.name for entity in all_entities if entity]
    all_facts = [_facts(record, names) for record in facts[:MAX_RECORDS]]
    dropped = all_entities.count(None) + all_facts.count([])
    dropped += max(len(entities) - MAX_RECORDS, 0) + max(len(facts) - MAX_RECORDS, 0)
    return Extraction(
        entities=[entity for entity in all_entities if entity],
        facts=[fact for some in all_facts for fact in some][:MAX_RECORDS],
        dropped=dropped,
    )


def _entity(record: Any) -> Entity | None:
    if not isinstance(record, Mapping):
        name = _text(record)
        return Entity(name=name, type="unknown") if name else None
    fields = _fields(record)
    name = _text(_get(fields, _NAME))
    attributes = {
        key: text
        for attribute, value in _attributes(fields.get("attributes"))
        if (key := _text(attribute)) and (text := ", ".join(_texts(value))[:MAX_CHARACTERS])
    }
    entity_type = _text(_get(fields, _TYPE)) or "unknown"
    return Entity(name=name, type=entity_type, attributes=attributes) if name else None


def _facts(record: Any, names: Sequence[str]) -> list[Fact]:
    """Return the facts of one record, one for each subject and object of it."""
    if isinstance(record, str):
        record = _split_sentence(record, names)
    if isinstance(record, list) and len(record) in (3, 4):
        record = dict(zip(("subject", "predicate", "object", "valid_from"), record, strict=False))
    if not isinstance(record, Mapping):
        return []
    fields = _fields(record)
    predicate = _text(_get(fields, _PREDICATE))
    subjects, objects = _texts(_get(fields, _SUBJECT)), _texts(_get(fields, _OBJECT))
    claim = _Claim(
        valid_from=_date(_text(_get(fields, _SINCE)), fields),
        valid_to=_date(_text(_get(fields, _UNTIL)), fields),
        negated=_is_negative(fields),
        status=_STATUSES.get(_text(fields.get("status")).lower(), "asserted"),
        replaces=_text(fields.get("replaces")) or None,
        message=_number(fields.get("message")),
    )
    return [
        Fact(subject=subject, predicate=predicate, object=object_, **claim)
        for subject, object_ in product(subjects, objects)
        if predicate
    ]


def _is_negative(fields: Mapping[str, Any]) -> bool:
    polarity = _text(fields.get("polarity")).lower()
    return polarity in _NEGATIVE or _text(fields.get("negated")).lower() in ("yes", "true")


def _number(value: Any) -> int:
    text = _text(value)
    return int(text) if text.isdecimal() and len(text) < _MAX_DIGITS else 0


def _id_of(record: Any) -> Any:
    """Return the id in a record of `ends`, however it is wrapped."""
    return (
        _get(_fields(record), ("id", "fact", "fact_id")) if isinstance(record, Mapping) else record
    )


def _split_sentence(sentence: str, names: Sequence[str]) -> list[str]:
    """Return subject, predicate and object of "user has pet Rex", whose ends are known names."""
    text = _text(sentence).rstrip(".")
    subject = _longest(name for name in ("user", *names) if text.startswith(f"{name} "))
    object_ = _longest(name for name in names if text.endswith(f" {name}"))
    predicate = text[len(subject) : len(text) - len(object_)].strip()
    return [subject, predicate, object_] if subject and object_ and predicate else []


def _longest(names: Iterable[str]) -> str:
    return max(names, key=len, default="")


def _is_fact(fields: Mapping[str, Any]) -> bool:
    return all(_get(fields, keys) is not _MISSING for keys in (_SUBJECT, _PREDICATE, _OBJECT))


def _fields(record: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key).strip().lower().replace(" ", "_"): value for key, value in record.items()}


def _get(fields: Mapping[str, Any], keys: Iterable[str]) -> Any:
    return next((fields[key] for key in keys if key in fields), _MISSING)


def _attributes(value: Any) -> Iterable[tuple[Any, Any]]:
    """Return names and values, from an object or from the list of the schema."""
    if isinstance(value, Mapping):
        return value.items()
    records = [_fields(record) for record in _records(value) if isinstance(record, Mapping)]
    return [(record.get("name"), record.get("value")) for record in records]


def _records(value: Any) -> list[Any]:
    """Return the records of a field: a list as it is, one record as a list of it."""
    value = value if isinstance(value, list) else unwrap(value) if _is_json(value) else value
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, Mapping | str) and value else []


def _is_json(value: Any) -> bool:
    return isinstance(value, str) and value.lstrip()[:1] in ("{", "[")


def _texts(value: Any) -> list[str]:
    """Return the texts of a value: one, those of a list, or the name in an object."""
    if isinstance(value, list):
        return [text for part in value[:MAX_RECORDS] for text in [_text(part)] if text]
    return [text] if (text := _text(value)) else []


def _text(value: Any) -> str:
    """Return a scalar, or the name in an object, as one line of at most `MAX_CHARACTERS`."""
    if isinstance(value, Mapping):
        value = _get(_fields(value), (*_NAME, *_OBJECT))
    if isinstance(value, bool):
        return _BOOLEANS[value]
    if isinstance(value, str | int | float):
        text = "".join(" " if unicodedata.category(c) == "Cc" else c for c in _string(value))
        return " ".join(text.split())[:MAX_CHARACTERS]
    return ""


def _string(value: str | int | float) -> str:
    try:
        return sanitise_text(str(value)).replace("\N{REPLACEMENT CHARACTER}", "")
    except ValueError:  # An integer of more than 4,300 digits.
        return ""


def _date(text: str, fields: Mapping[str, Any]) -> str | None:
    """Return a year, a month or a day of ISO 8601, as exact as the record says; None if none."""
    match = _DATE.match(text)
    if not match or not is_period(match[0]):
        return None
    return match[0][: _PRECISIONS.get(_text(fields.get("precision")).lower())]
