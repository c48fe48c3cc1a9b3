"""Authenticate a request: by its bearer token, or on this machine as the login name."""

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


async def authenticate_request(memory: Memory, scope: Mapping[str, Any]) -> str | None:
    """Return the user of a request, or None."""
    headers = headers_of(scope)
    header = headers.get("authorization", "")
    if header:
        if header[: len(BEARER)].lower() != BEARER:
            return None
        return await user_of_token(memory.opened.store, header[len(BEARER) :].strip())
    return await single_user(memory) if is_local(scope, headers) else None


async def has_access(memory: Memory, user: str) -> bool:
    """Return whether a user has a token, or needs none."""
    return bool(await list_tokens(memory.opened.store, user)) or user == await single_user(memory)


async def single_user(memory: Memory) -> str | None:
    """Return the user who needs no token on this machine, or None if all need one."""
    user: str | None = memory.settings.local_user
    if user:
        return user
    if await tokens_were_made(memory.opened.store):
        return None
    return await asyncio.to_thread(login_name)


def is_local(scope: Mapping[str, Any], headers: Mapping[str, str]) -> bool:
    """Return whether a request comes from a program or a page of this machine.

    A page of another site could send requests here; its Origin, or the Host of a name that it
    resolves to this machine, gives it away.
    """
    client = scope.get("client")
    is_local_client = client is not None and is_loopback(str(client[0]))
    origin = headers.get("origin", "")
    return (
        is_local_client
        and is_loopback(host_of(headers.get("host", "")))
        and (not origin or is_allowed_origin(origin))
        and not any(name in headers for name in ("forwarded", "x-forwarded-for"))
    )


def is_allowed_origin(origin: str) -> bool:
    """Return whether an origin is LangGraph Studio, or this machine."""
    scheme, _, host = origin.partition("://")
    return origin in STUDIO or (scheme in ("http", "https") and is_loopback(host_of(host)))


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
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
"""Origins of LangGraph Studio, which sends requests from the browser."""
