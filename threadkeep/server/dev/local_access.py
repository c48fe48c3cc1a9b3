"""Authenticate a request: by its token, or on this machine as the user who runs the server."""

import asyncio
import ipaddress
from collections.abc import Mapping
from typing import Any

from threadkeep.base.settings import login_name
from threadkeep.memory import Memory
from threadkeep.server.authenticate import user_of_header
from threadkeep.stores.access_tokens import list_tokens, tokens_were_made

STUDIO = ("https://smith.langchain.com", "https://eu.smith.langchain.com")
"""Origins of LangGraph Studio, which sends requests from the browser."""
FORWARDED = ("forwarded", "x-forwarded-for")
"""Headers of a proxy: the client may be on another machine."""


async def authenticate_request(memory: Memory, scope: Mapping[str, Any]) -> str | None:
    """Return the user of a request, or None."""
    headers = headers_of(scope)
    if header := headers.get("authorization"):
        return await user_of_header(memory, header)
    return await local_user(memory) if is_local(scope, headers) else None


async def has_access(memory: Memory, user_id: str) -> bool:
    """Return whether a user has a token, or needs none."""
    tokens = await list_tokens(memory.opened.store, user_id)
    return bool(tokens) or user_id == await local_user(memory)


async def local_user(memory: Memory) -> str | None:
    """Return the user who needs no token on this machine, or None if everybody needs one."""
    user_id: str | None = memory.settings.local_user
    if user_id:
        return user_id
    if await tokens_were_made(memory.opened.store):
        return None
    return await asyncio.to_thread(login_name)


def is_local(scope: Mapping[str, Any], headers: Mapping[str, str]) -> bool:
    """Return whether a request comes from a program or a page of this machine.

    A page of another site can send requests to this machine from the user's browser. Its Origin
    header shows that, or its Host header if it uses a host name that resolves to this machine.
    """
    client, origin = scope.get("client"), headers.get("origin", "")
    return (
        client is not None
        and is_loopback(str(client[0]))
        and is_loopback(host_of(headers.get("host", "")))
        and (not origin or is_allowed_origin(origin))
        and not any(name in headers for name in FORWARDED)
    )


def is_allowed_origin(origin: str) -> bool:
    """Return whether an origin is LangGraph Studio or this machine."""
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
