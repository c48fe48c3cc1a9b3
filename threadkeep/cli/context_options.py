"""The context of a run, as options name it: `--model`, `--memory`, `--context KEY=VALUE`."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import sanitise_text

if TYPE_CHECKING:
    from threadkeep.graph.context import Context

Fields = dict[str, Any]
"""Fields of a context by name; the value None stands for the default."""


def parse_pairs(pairs: Iterable[str], option: str) -> dict[str, str | None]:
    """Return KEY=VALUE as a dict; an empty value is None.

    Raises:
        BadInput: there is no equals sign, or no key.
    """
    values: dict[str, str | None] = {}
    for pair in pairs:
        key, equals, value = sanitise_text(pair).partition("=")
        if not equals or not key.strip():
            raise BadInput(f"{option} {pair!r:.60} is no KEY=VALUE; write it like topic=travel.")
        values[key.strip()] = value or None
    return values


def context_fields(
    pairs: Iterable[str] | None, *, memory: str | None = None, model: str | None = None
) -> Fields:
    """Return the fields of the context that `--context`, `--memory` and `--model` name.

    Raises:
        BadInput: a pair is no KEY=VALUE, or names the user, which is chosen with --user.
    """
    fields: Fields = {"model": model} if model is not None else {}
    fields |= parse_pairs(pairs or (), "--context")
    if memory is not None:
        fields["memory"] = memory
    if "user_id" in fields:
        raise BadInput("--context 'user_id' is refused; choose whose memory it is with --user.")
    return fields


def validate_fields(fields: Mapping[str, Any]) -> Fields:
    """Return the fields with the values that a run takes: an empty one with its default.

    Raises:
        BadInput: there is no such field, or a value is not allowed.
    """
    if not fields:
        return {}
    return context_of(None, fields).model_dump(include={*fields})


def context_of(user_id: str | None, fields: Mapping[str, Any]) -> "Context":
    """Return the context with these fields; a server knows its user without `user_id`.

    Raises:
        BadInput: there is no such field, or a value is not allowed.
    """
    from threadkeep.graph.context import Context

    values = {name: value for name, value in fields.items() if value is not None}
    return Context.model_validate({**values, "user_id": user_id or "me"})
