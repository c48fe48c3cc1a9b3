"""Who asks: the user of a bearer token, or on this machine alone the one who runs the server."""

import asyncio
import ipaddress
from collections.abc import Mapping
from typing import Any

from threadkeep.base.settings import login_name
from threadkeep.memory import Memory
from threadkeep.stores.access_tokens import list_tokens, tokens_were_made, user_of_token

BEARER = "bearer "
NOTHING_SENT = "Send a token, as Authorization: Bearer ...; threadkeep user add NAME makes one."
NOT_KNOWN = "The token is not known, or was revoked; threadkeep user add NAME makes another."


async def caller(memory: Memory, scope: Mapping[str, Any]) -> str | None:
    """Return the user who asks, or None for nobody."""
    headers = headers_of(scope)
    told = headers.get("authorization", "")
    if told:
        if told[: len(BEARER)].lower() != BEARER:
            return None
        return await user_of_token(memory.opened.store, told[len(BEARER) :].strip())
    return await single_user(memory) if is_local(scope, headers) else None


async def may_come_in(memory: Memory, user: str) -> bool:
    """Tell whether a user has a token, or needs none."""
    return bool(await list_tokens(memory.opened.store, user)) or user == await single_user(memory)


async def single_user(memory: Memory) -> str | None:
    """Return who needs no token on this machine, or None where everybody does."""
    named: str | None = memory.settings.local_user
    if named:
        return named
    if await tokens_were_made(memory.opened.store):
        return None
    return await asyncio.to_thread(login_name)


def is_local(scope: Mapping[str, Any], headers: Mapping[str, str]) -> bool:
    """Tell whether a request comes from this machine, by a page or program of it.

    A page from elsewhere could send requests here: by its origin, or by a name of its own that
    it lets mean this machine.
    """
    client = scope.get("client")
    here = client is not None and is_loopback(str(client[0]))
    origin = headers.get("origin", "")
    return (
        here
        and is_loopback(host_of(headers.get("host", "")))
        and (not origin or is_allowed_origin(origin))
        and not any(name in headers for name in ("forwarded", "x-forwarded-for"))
    )


def is_allowed_origin(origin: str) -> bool:
    """Tell whether a page is LangGraph Studio, or one of this machine."""
    scheme, _, host = origin.partition("://")
    return origin in STUDIO or (scheme in ("http", "https") and is_loopback(host_of(host)))


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def host_of(address: str) -> str:
    """Return the host without its port."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.rpartition(":")[0] if address.count(":") == 1 else address


def headers_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of a request, names in lower case."""
    return {
        name.decode("latin-1").lower(): value.decode("latin-1")
        for name, value in scope.get("headers") or ()
    }


STUDIO = ("https://smith.langchain.com", "https://eu.smith.langchain.com")
"""Where LangGraph Studio is served from; it talks to this server from the browser."""
