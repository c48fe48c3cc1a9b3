"""Access tokens: bearer tokens that authenticate a user over the network.

A token is shown once. Its digest is stored, outside the namespaces of all users.
"""

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256

from langgraph.store.base import BaseStore, Item

from threadkeep.base.clock import now
from threadkeep.base.validation import validate_id
from threadkeep.stores.namespaces import INTERNAL, internal_store

Namespace = tuple[str, ...]
TOKENS: Namespace = (INTERNAL, "tokens")
MARK: tuple[Namespace, str] = ((INTERNAL,), "tokens")
"""An item that says that tokens were made; it stays when the last one is revoked."""
BEGIN = "tk"
MAX_TOKENS = 100_000


@dataclass(frozen=True, kw_only=True)
class Token:
    """A stored token, without its secret."""

    id: str
    user: str
    created: str


async def add_token(store: BaseStore, user: str) -> str:
    """Create a token for a user; it cannot be shown again.

    Raises:
        BadInput: the user's name is not allowed.
    """
    user, id_, secret = validate_id(user, "user"), secrets.token_hex(6), secrets.token_urlsafe(32)
    value = {"user": user, "sha256": _digest(secret), "created": now().isoformat()}
    store = internal_store(store)
    await store.aput(*MARK, {"made": True}, index=False)
    await store.aput(TOKENS, id_, value, index=False)
    return f"{BEGIN}_{id_}_{secret}"


async def user_of_token(store: BaseStore, token: str) -> str | None:
    """Return the user of a token, or None; the comparison takes constant time."""
    begin, _, rest = token.partition("_")
    id_, _, secret = rest.partition("_")
    store = internal_store(store)
    item = await store.aget(TOKENS, id_) if begin == BEGIN and id_.isalnum() else None
    digest = str(item.value["sha256"]) if item else _digest("")
    same = hmac.compare_digest(digest, _digest(secret))
    return str(item.value["user"]) if item and same else None


async def list_tokens(store: BaseStore, user: str | None = None) -> list[Token]:
    """Return the tokens of a user, or of everybody, the oldest first."""
    user_filter = {"user": user} if user is not None else None
    items = await internal_store(store).asearch(
        TOKENS, filter=user_filter, limit=MAX_TOKENS, refresh_ttl=False
    )
    return sorted(map(_token, items), key=lambda token: (token.created, token.id))


async def revoke_tokens(store: BaseStore, user: str) -> int:
    """Revoke all tokens of a user; return their number."""
    tokens = await list_tokens(store, user)
    for token in tokens:
        await internal_store(store).adelete(TOKENS, token.id)
    return len(tokens)


async def tokens_were_made(store: BaseStore) -> bool:
    """Return whether a token was ever made, even if it is revoked."""
    return await internal_store(store).aget(*MARK) is not None


def _token(item: Item) -> Token:
    return Token(
        id=item.key, user=str(item.value["user"]), created=str(item.value.get("created") or "")
    )


def _digest(secret: str) -> str:
    # The secret has 256 random bits: nothing slower than SHA-256 would make guessing harder.
    return sha256(secret.encode("utf-8", "replace")).hexdigest()
