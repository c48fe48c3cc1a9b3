"""What a person chooses of a run's context: by option, or once for a thread."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import sanitise_text

if TYPE_CHECKING:
    from threadkeep.graph.context import Context


def pairs(told: Iterable[str], option: str) -> dict[str, str | None]:
    """Return KEY=VALUE as a dict; an empty value is None.

    Raises:
        BadInput: there is no equals sign, or no key.
    """
    found: dict[str, str | None] = {}
    for each in told:
        key, equals, value = sanitise_text(each).partition("=")
        if not equals or not key.strip():
            raise BadInput(f"{option} {each!r:.60} is no KEY=VALUE; write it like topic=travel.")
        found[key.strip()] = value or None
    return found


def choices_of(memory: str | None, told: Iterable[str] | None) -> dict[str, str | None]:
    """Return the fields of the context that `--memory` and `--context` name.

    Raises:
        BadInput: one is no KEY=VALUE, or the user, which is chosen with --user.
    """
    chosen = pairs(told or (), "--context")
    if memory is not None:
        chosen["memory"] = memory
    if "user_id" in chosen:
        raise BadInput("--context 'user_id' is refused; choose whose memory it is with --user.")
    return chosen


def context_of(
    user: str, model: str | None, chosen: Mapping[str, Any], own: Mapping[str, Any] | None = None
) -> "Context":
    """Return the context of a run: what was chosen for it, else what its thread has of its own.

    Raises:
        BadInput: there is no such field, or a value is not allowed.
    """
    from threadkeep.graph.context import Context

    fields = {**(own or {}), **({"model": model} if model is not None else {}), **chosen}
    kept = {name: value for name, value in fields.items() if value is not None}
    return Context.model_validate({**kept, "user_id": user})
