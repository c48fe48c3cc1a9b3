"""Who is asking: what a run's config says, or the block that a call without one stands in."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from threadkeep.base.errors import AccessRefused, NoUser
from threadkeep.base.validation import validate_id

AUTH_KEY = "langgraph_auth_user_id"
"""Put into `configurable` by LangGraph's server from the caller's credentials."""
USER_KEY = "user_id"
"""Put into `configurable` by whoever runs the graph without that server."""

_acting: ContextVar[str | None] = ContextVar("acting_user", default=None)


@contextmanager
def acting_as(user: str) -> Iterator[None]:
    """Let `user` be the one who asks, for calls that take no config, such as a deletion."""
    token = _acting.set(validate_id(user, "user"))
    try:
        yield
    finally:
        _acting.reset(token)


def is_acting() -> bool:
    """Tell whether this is inside an `acting_as` block."""
    return _acting.get() is not None


def acting_user(config: Mapping[str, Any] | None = None) -> str:
    """Return the user who asks.

    Raises:
        NoUser: no user is named.
        AccessRefused: a config names somebody else than the credentials do.
    """
    run = (config or {}).get("configurable") or {}
    told = [run.get(AUTH_KEY), run.get(USER_KEY), _acting.get()]
    users = list(dict.fromkeys(validate_id(user, "user") for user in told if user is not None))
    if not users:
        raise NoUser(
            "Nobody is asking for this memory; "
            f"put the user into config['configurable'][{USER_KEY!r}]."
        )
    if len(users) > 1:
        raise AccessRefused(
            f"The caller is {users[0]!r} and asks as {users[1]!r}; "
            "a user has only their own memory."
        )
    return users[0]
