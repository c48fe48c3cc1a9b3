"""Validate requests to the store; both servers take and refuse the same."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from threadkeep.base.errors import BadInput
from threadkeep.server.request_values import number_of, object_of

MAX_RESULTS = 1_000
MAX_OFFSET = 1_000_000
MAX_QUERY_CHARACTERS = 2_000
MAX_KEY_CHARACTERS = 256
MAX_LABELS = 10
MAX_LABEL_CHARACTERS = 128
MAX_NAMESPACE_BYTES = 1_000
"""PostgreSQL's index of namespaces and keys takes 2,700 bytes for both."""
MAX_TTL_MINUTES = 100 * 366 * 24 * 60
OPERATORS = ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte")


def checked_put(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a request to put an item.

    Raises:
        BadInput: a field is not allowed.
    """
    value, index = body.get("value"), body.get("index")
    if not isinstance(value, dict):
        raise BadInput("value is not a JSON object.")
    if index not in (None, False) and not _are_strings(index):
        raise BadInput("index is neither false nor a list of fields.")
    return {**_place(body), "value": value, "ttl": minutes_of(body.get("ttl")), "index": index}


def checked_delete(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a request to delete an item.

    Raises:
        BadInput: a field is not allowed.
    """
    return _place(body)


def checked_search(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a search.

    Raises:
        BadInput: a field is not allowed.
    """
    query = body.get("query")
    if query is not None and not isinstance(query, str):
        raise BadInput("query is not a string.")
    return {
        "namespace_prefix": labels_of(body.get("namespace_prefix"), "namespace_prefix"),
        "query": query[:MAX_QUERY_CHARACTERS] if query and query.strip() else None,
        "filter": _filter(body.get("filter")),
        "limit": number_of(body.get("limit"), "limit", 10, MAX_RESULTS, minimum=1),
        "offset": number_of(body.get("offset"), "offset", 0, MAX_OFFSET),
    }


def checked_listing(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a request for namespaces; labels may be the wildcard `*`.

    Raises:
        BadInput: a field is not allowed.
    """
    return {
        "prefix": labels_of(body.get("prefix"), "prefix"),
        "suffix": labels_of(body.get("suffix"), "suffix"),
        "max_depth": number_of(body.get("max_depth"), "max_depth", 0, 100) or None,
        "limit": number_of(body.get("limit"), "limit", 100, MAX_RESULTS, minimum=1),
        "offset": number_of(body.get("offset"), "offset", 0, MAX_OFFSET),
    }


def labels_of(value: Any, name: str) -> list[str]:
    """Return the labels of a namespace, none for null.

    Raises:
        BadInput: the value is not a list of labels.
    """
    labels = [] if value is None else value
    if not _are_strings(labels):
        raise BadInput(f"{name} is not a list of labels; write ['notes', '2026'].")
    for label in labels:
        if not label.strip() or "." in label or len(label) > MAX_LABEL_CHARACTERS:
            raise BadInput(
                f"{name}: label {label!r:.60} is not allowed; "
                f"use 1 to {MAX_LABEL_CHARACTERS} characters without a dot."
            )
    if len(labels) > MAX_LABELS or len(".".join(labels).encode()) > MAX_NAMESPACE_BYTES:
        raise BadInput(
            f"{name} is too long; use up to {MAX_LABELS} labels, {MAX_NAMESPACE_BYTES:,} bytes "
            "together."
        )
    return [*labels]


def key_of(value: Any) -> str:
    """Return the key of an item.

    Raises:
        BadInput: it is not 1 to `MAX_KEY_CHARACTERS` characters.
    """
    if not isinstance(value, str) or not 0 < len(value) <= MAX_KEY_CHARACTERS:
        raise BadInput(
            f"key {value!r:.60} is not allowed; use 1 to {MAX_KEY_CHARACTERS} characters."
        )
    return value


def minutes_of(value: Any) -> float | None:
    """Return a time to live in minutes, None for null.

    Raises:
        BadInput: it is not a positive number.
    """
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise BadInput(f"ttl {value!r:.40} is not a number of minutes.")
    if not 0 < value <= MAX_TTL_MINUTES:
        raise BadInput(f"ttl {value!r:.40} is not 1 to {MAX_TTL_MINUTES:,} minutes.")
    return value


@contextmanager
def refused_by_store() -> Iterator[None]:
    """Turn what a store refuses into an error for the client.

    Raises:
        BadInput: the store refused a value.
    """
    try:
        yield
    except (ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f"The store cannot do this ({reason}).") from None


def _place(body: Mapping[str, Any]) -> dict[str, Any]:
    namespace = labels_of(body.get("namespace"), "namespace")
    return {"namespace": namespace, "key": key_of(body.get("key"))}


def _filter(value: Any) -> dict[str, Any] | None:
    conditions = object_of(value, "filter")
    for field, condition in conditions.items():
        operators = condition if isinstance(condition, dict) else {}
        for operator in operators:
            if operator.startswith("$") and operator not in OPERATORS:
                raise BadInput(
                    f"filter.{field[:40]}: operator {operator!r:.40} is not known; "
                    f"use {', '.join(OPERATORS)}."
                )
        if field.startswith("$"):
            raise BadInput(f"filter: {field!r:.40} is not a field; write {{field: value}}.")
    return conditions or None


def _are_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
