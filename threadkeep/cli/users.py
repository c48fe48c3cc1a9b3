"""`threadkeep user`: who may ask a server over the network."""

import json
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

from langgraph.store.base import BaseStore

from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.cli.failures import complain
from threadkeep.process import run
from threadkeep.stores.access_tokens import Token, add_token, list_tokens, revoke_tokens
from threadkeep.stores.hybrid import open_store

T = TypeVar("T")


def add_user(settings: Settings, name: str) -> None:
    """Print a new token of a user; it is not shown again."""
    token = run(_with_store(settings, lambda store: add_token(store, name)))
    complain(f"The token of {name!r}; it is shown only now:")
    sys.stdout.write(f"{token}\n")


def list_users(settings: Settings, *, as_json: bool) -> None:
    """Print whose tokens there are, one a line."""
    for token in run(_with_store(settings, list_tokens)):
        sys.stdout.write((json.dumps(_row(token)) if as_json else _line(token)) + "\n")


def revoke_user(settings: Settings, name: str) -> None:
    """Make a user's tokens worthless; their memory stays.

    Raises:
        BadInput: the user has none.
    """
    count = run(_with_store(settings, lambda store: revoke_tokens(store, name)))
    if not count:
        raise BadInput(f"User {name!r} has no token; see threadkeep user list.")
    complain(f"Revoked {count} token{'s' * (count > 1)} of {name!r}; the memory stays.")


async def _with_store(settings: Settings, work: Callable[[BaseStore], Awaitable[T]]) -> T:
    async with open_store(settings) as store:
        return await work(store)


def _row(token: Token) -> dict[str, str]:
    return {"user": token.user, "id": token.id, "created": token.created}


def _line(token: Token) -> str:
    return f"{token.created[:10]}  {token.id}  {token.user}"
