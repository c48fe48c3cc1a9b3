"""The acting user: named by a run's config, or set for a block of code."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from threadkeep.base.errors import AccessRefused, NoUser
from threadkeep.base.validation import validate_id

AUTH_KEY = "langgraph_auth_user_id"
"""Key in `configurable`; set by LangGraph's server from the caller's credentials."""
USER_KEY = "user_id"
"""Key in `configurable`; set by code that runs the graph without that server."""

_acting: ContextVar[str | None] = ContextVar("acting_user", default=None)


class OwnedThreadId(str):
    """The id of a thread, which remembers the user to whom a saver gave it.

    LangGraph makes the configs of a subgraph of the thread's id alone.
    """

    user: str

    def __new__(cls, thread: str, user: str) -> "OwnedThreadId":
        """Return the id, with its owner."""
        self = super().__new__(cls, thread)
        self.user = user
        return self

    def __str__(self) -> str:
        # LangGraph makes a string of the id before it writes to a subgraph.
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy in a file or of another process is a plain id.
        return (str, (str.__str__(self),))


@contextmanager
def acting_as(user_id: str) -> Iterator[None]:
    """Set the acting user for calls that take no config, such as a deletion.

    Raises:
        BadInput: the id is invalid.
    """
    token = _acting.set(validate_id(user_id, "user"))
    try:
        yield
    finally:
        _acting.reset(token)


def is_acting() -> bool:
    """Return whether the call runs inside an `acting_as` block."""
    return _acting.get() is not None


def acting_user(config: Mapping[str, Any] | None = None) -> str:
    """Return the id of the acting user; one who is named counts more than the owner of an id.

    Raises:
        NoUser: no user is named.
        AccessRefused: the config, the credentials and the block name different users.
    """
    configurable = (config or {}).get("configurable") or {}
    candidates = [configurable.get(AUTH_KEY), configurable.get(USER_KEY), _acting.get()]
    users = list(
        dict.fromkeys(validate_id(user, "user") for user in candidates if user is not None)
    )
    if not users and isinstance(thread := configurable.get("thread_id"), OwnedThreadId):
        return thread.user
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


def current_user() -> str:
    """Return the user of the run or of the `acting_as` block that this is called in.

    Raises:
        NoUser: no user is named.
    """
    from langgraph.config import get_config

    try:
        config: Mapping[str, Any] = get_config()
    except RuntimeError:
        config = {}
    return acting_user(config)
