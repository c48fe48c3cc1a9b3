"""`threadkeep user`: the access tokens of servers."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from langgraph.store.base import BaseStore

from threadkeep.base.clock import local_day
from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.cli.output import json_line, print_lines, print_notice
from threadkeep.process import run
from threadkeep.stores.access_tokens import Token, add_token, list_tokens, revoke_tokens
from threadkeep.stores.hybrid import open_store

T = TypeVar("T")


def add_user(settings: Settings, name: str) -> None:
    """Print a new token of a user; it is not shown again."""
    token = run(_with_store(settings, lambda store: add_token(store, name)))
    print_notice(f"The token of {name!r}; it is shown only now:")
    print_lines([token])


def list_users(settings: Settings, *, as_json: bool) -> None:
    """Print the users that have tokens, one token a line."""
    tokens = run(_with_store(settings, list_tokens))
    print_lines(json_line(_row(token)) if as_json else _line(token) for token in tokens)


def revoke_user(settings: Settings, name: str) -> None:
    """Revoke a user's tokens; their memory stays.

    Raises:
        BadInput: the user has none.
    """
    count = run(_with_store(settings, lambda store: revoke_tokens(store, name)))
    if not count:
        raise BadInput(f"User {name!r} has no token; see threadkeep user list.")
    print_notice(f"Revoked {count} token{'s' * (count > 1)} of {name!r}; the memory stays.")


async def _with_store(settings: Settings, work: Callable[[BaseStore], Awaitable[T]]) -> T:
    async with open_store(settings) as store:
        return await work(store)


def _row(token: Token) -> dict[str, str]:
    return {"user": token.user, "id": token.id, "created": token.created}


def _line(token: Token) -> str:
    return f"{local_day(token.created)}  {token.id}  {token.user}"
