"""The text by which an item is found: all strings of its value, or those at the paths of a put.

The package's own records below an owner are found by their "text" alone, as the database's triggers
index them; what is here is for everything else.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import orjson
from langgraph.store.base import PutOp, get_text_at_path

from threadkeep.stores.namespaces import INTERNAL, OWNER_FORM, RESERVED, Namespace, is_reserved

MAX_CHARACTERS = 100_000
"""Of one item; PostgreSQL indexes a megabyte of words at most."""
Index = Literal[False] | Sequence[str] | None
"""What a put says of the search: nothing of the item, the texts at these paths, or all strings."""


class ItemText(NamedTuple):
    """The text of an item where it is not just the "text" of its value."""

    prefix: str
    key: str
    text: str | None
    """None for an item that no search finds."""
    fields: str | None
    """`index` of the put as JSON, None by default."""


def item_text(
    namespace: Namespace, key: str, value: Mapping[str, Any], index: Index
) -> ItemText | None:
    """Return by which text an item is found, None where the triggers do it."""
    prefix = ".".join(namespace)
    own_text = value.get("text")
    if index is False:
        if is_own_record(namespace) and not isinstance(own_text, str):
            return None
        return ItemText(prefix, key, None, "false")
    if index is not None:
        parts = [text for path in index for text in get_text_at_path(value, path)]
        return ItemText(prefix, key, _joined(parts), json.dumps(list(index)))
    if is_own_record(namespace) or _is_message(namespace, value):
        return None
    text = _joined(_strings(value))
    if text is None or text == own_text:
        return None
    return ItemText(prefix, key, text, None)


def item_texts(ops: Sequence[PutOp]) -> list[ItemText]:
    """Return the texts of puts that the triggers do not index; of each item the last put counts."""
    newest = {(op.namespace, op.key): op for op in ops}
    texts = [
        item_text(op.namespace, op.key, op.value, op.index)
        for op in newest.values()
        if op.value is not None
    ]
    return [text for text in texts if text is not None]


def stored_text(
    prefix: str, key: str, value: Mapping[str, Any], fields: str | None
) -> ItemText | None:
    """Return what `item_text` returned when the item was put."""
    index = json.loads(fields) if fields else None
    return item_text(tuple(prefix.split(".")), key, value, index)


def is_own_record(namespace: Namespace) -> bool:
    """Tell whether the package itself keeps this item."""
    return namespace[0] == INTERNAL or is_reserved(namespace)


def _is_message(namespace: Namespace, value: Mapping[str, Any]) -> bool:
    """Tell whether an item is a message as the package keeps it, whoever its owner is."""
    has_text = isinstance(value.get("text"), str) and isinstance(value.get("role"), str)
    return has_text and len(namespace) > 1 and namespace[1] in RESERVED


def is_foreign(prefix: Namespace) -> bool:
    """Tell whether what is below a namespace is another program's, so that one word finds it."""
    if not prefix or OWNER_FORM.fullmatch(prefix[0]) is None:
        return True
    return len(prefix) > 1 and prefix[1] not in RESERVED


def _strings(value: Any) -> Iterator[str]:
    """Yield the strings of a value as JSON holds it, "text" first, in their order."""
    try:
        plain = orjson.loads(orjson.dumps(dict(value)))
    except (TypeError, ValueError):
        return  # The database refuses it as well.
    if isinstance(text := plain.pop("text", None), str):
        yield text
    elif text is not None:
        plain["text"] = text
    pending = [plain]
    while pending:
        node = pending.pop()
        if isinstance(node, str):
            yield node
        elif isinstance(node, dict):
            pending += reversed(node.values())
        elif isinstance(node, list):
            pending += reversed(node)


def _joined(texts: Iterator[str] | Sequence[str]) -> str | None:
    text = "\n".join(part for part in texts if part.strip())
    return text[:MAX_CHARACTERS].replace("\0", "") or None
