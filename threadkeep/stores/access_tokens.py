"""Bearer tokens: who may come in over the network, and as whom.

A token is shown once. What is kept is its digest, outside the namespaces of all users.
"""

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256

from langgraph.store.base import BaseStore, Item

from threadkeep.base.clock import now
from threadkeep.base.validation import validate_id

Namespace = tuple[str, ...]
TOKENS: Namespace = ("threadkeep", "tokens")
MARK: tuple[Namespace, str] = (("threadkeep",), "tokens")
"""Says that tokens were made; it stays when the last of them is revoked."""
BEGIN = "tk"
MOST = 100_000


@dataclass(frozen=True, kw_only=True)
class Token:
    """What is known of a token without knowing it."""

    id: str
    user: str
    created: str


async def add_token(store: BaseStore, user: str) -> str:
    """Make a token for a user and return it; it cannot be shown again.

    Raises:
        BadInput: the user's name is not allowed.
    """
    user, id_, secret = validate_id(user, "user"), secrets.token_hex(6), secrets.token_urlsafe(32)
    value = {"user": user, "sha256": _digest(secret), "created": now().isoformat()}
    await store.aput(*MARK, {"made": True}, index=False)
    await store.aput(TOKENS, id_, value, index=False)
    return f"{BEGIN}_{id_}_{secret}"


async def user_of_token(store: BaseStore, token: str) -> str | None:
    """Return whose token it is, or None where it is nobody's; compared in constant time."""
    begin, _, rest = token.partition("_")
    id_, _, secret = rest.partition("_")
    item = await store.aget(TOKENS, id_) if begin == BEGIN and id_.isalnum() else None
    kept = str(item.value["sha256"]) if item else _digest("")
    same = hmac.compare_digest(kept, _digest(secret))
    return str(item.value["user"]) if item and same else None


async def list_tokens(store: BaseStore, user: str | None = None) -> list[Token]:
    """Return the tokens of a user, or of everybody, the oldest first."""
    chosen = {"user": user} if user is not None else None
    found = await store.asearch(TOKENS, filter=chosen, limit=MOST, refresh_ttl=False)
    return sorted(map(_token, found), key=lambda token: (token.created, token.id))


async def revoke_tokens(store: BaseStore, user: str) -> int:
    """Make all of a user's tokens worthless; return how many there were."""
    tokens = await list_tokens(store, user)
    for token in tokens:
        await store.adelete(TOKENS, token.id)
    return len(tokens)


async def tokens_were_made(store: BaseStore) -> bool:
    """Tell whether there ever was a token, be it revoked by now."""
    return await store.aget(*MARK) is not None


def _token(item: Item) -> Token:
    return Token(
        id=item.key, user=str(item.value["user"]), created=str(item.value.get("created") or "")
    )


def _digest(secret: str) -> str:
    # The secret has 256 random bits: nothing slower than SHA-256 would make guessing harder.
    return sha256(secret.encode("utf-8", "replace")).hexdigest()
