"""Authenticate a request by its bearer token."""

from threadkeep.memory import Memory
from threadkeep.stores.access_tokens import user_of_token

BEARER = "bearer "
TOKEN_MISSING = "Send a token, as Authorization: Bearer ...; threadkeep user add NAME makes one."  # noqa: S105
TOKEN_UNKNOWN = "The token is not known, or was revoked; threadkeep user add NAME makes another."  # noqa: S105


async def user_of_header(memory: Memory, authorization: str) -> str | None:
    """Return the user of an Authorization header, or None if it has no valid token."""
    if authorization[: len(BEARER)].lower() != BEARER:
        return None
    return await user_of_token(memory.opened.store, authorization[len(BEARER) :].strip())
