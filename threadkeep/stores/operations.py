"""Validate operations where they enter the store; keep what stands beside the items out of them."""

import re
from collections.abc import Mapping
from typing import Any

from langgraph.store.base import (
    GetOp,
    ListNamespacesOp,
    Op,
    PutOp,
    SearchOp,
    tokenize_path,
    validate_op_namespace,
)

from threadkeep.base.errors import AccessRefused
from threadkeep.search.filters import validate_filter
from threadkeep.stores.namespaces import INTERNAL
from threadkeep.stores.record_shapes import refuse_flaw

MAX_NAME_BYTES = 1_000
"""Bytes of a key, and of the labels of a namespace together: more fits into no index row."""
MAX_COUNT = 2**31 - 1
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
MAX_INTERNAL = 32
"""More namespaces than there are beside the items."""


def validate_op(op: Op) -> Op:
    """Return an operation with a filter as JSON and counts that a database takes.

    Raises:
        ValueError: a namespace, key, value, index, filter, limit or offset cannot be used.
        AccessRefused: it writes to what the store keeps for itself.
    """
    validate_op_namespace(op)
    if isinstance(op, GetOp):
        _validate_place(op.namespace, op.key)
    elif isinstance(op, PutOp):
        _validate_place(op.namespace, op.key)
        _validate_put(op)
    elif isinstance(op, SearchOp):
        _validate_labels(op.namespace_prefix)
        conditions = validate_filter(op.filter) if op.filter is not None else None
        if op.query is not None and not isinstance(op.query, str):
            raise ValueError(f"The query {op.query!r:.60} is not text.")
        return op._replace(
            filter=conditions, limit=_count(op.limit, "limit"), offset=_count(op.offset, "offset")
        )
    elif isinstance(op, ListNamespacesOp):
        for condition in op.match_conditions or ():
            _validate_labels(condition.path)
        depth = op.max_depth if op.max_depth is None else _count(op.max_depth, "max_depth")
        return op._replace(
            max_depth=depth or None,
            limit=_count(op.limit, "limit"),
            offset=_count(op.offset, "offset"),
        )
    return op


def is_internal(namespace: tuple[str, ...]) -> bool:
    """Tell whether a namespace holds what the store keeps for itself."""
    return namespace[:1] == (INTERNAL,)


def with_internal(op: ListNamespacesOp) -> ListNamespacesOp:
    """Return an operation that lists enough for `without_internal`."""
    return op._replace(limit=op.offset + op.limit + MAX_INTERNAL, offset=0)


def without_internal(
    op: ListNamespacesOp, namespaces: list[tuple[str, ...]]
) -> list[tuple[str, ...]]:
    """Return the page that `op` requests of what `with_internal` listed."""
    own = [namespace for namespace in namespaces if not is_internal(namespace)]
    return own[op.offset : op.offset + op.limit]


def _validate_place(namespace: tuple[str, ...], key: Any) -> None:
    if not namespace:
        raise ValueError("The namespace is empty; name at least one label.")
    _validate_labels(namespace)
    _validate_name(key, "key")


def _validate_labels(labels: tuple[str, ...]) -> None:
    if labels:
        _validate_name(".".join(labels), "namespace")


def _validate_name(name: Any, kind: str) -> None:
    if not isinstance(name, str) or not name:
        raise ValueError(f"The {kind} {name!r:.60} is not text of one character or more.")
    size = len(name.encode("utf-8", "surrogatepass"))
    if size > MAX_NAME_BYTES or _UNSTORABLE.search(name):
        raise ValueError(
            f"The {kind} {name[:40]!r} ({size:,} bytes) cannot be stored; "
            f"use up to {MAX_NAME_BYTES:,} bytes of text without NUL."
        )


def _validate_put(op: PutOp) -> None:
    if is_internal(op.namespace):
        raise AccessRefused(
            f"The namespace {op.namespace!r:.100} is the store's own; use another first label."
        )
    if op.value is not None and not isinstance(op.value, Mapping):
        raise ValueError(f"The value {op.value!r:.60} is not an object.")
    refuse_flaw(op.namespace, op.value)
    if op.index is None or op.index is False:
        return
    if not isinstance(op.index, list | tuple) or not all(
        isinstance(path, str) and path for path in op.index
    ):
        raise ValueError(f"index {op.index!r:.60} is not False and not a list of paths.")
    for path in op.index:
        tokenize_path(path)


def _count(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} {value!r:.40} is not a number from 0 upwards.")
    return min(value, MAX_COUNT)
