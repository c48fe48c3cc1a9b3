"""The only place that builds a namespace or an id from what a user typed."""

import hmac
import re
import secrets
import unicodedata
from hashlib import sha256
from uuid import UUID
from weakref import WeakKeyDictionary

from langgraph.store.base import BaseStore

Namespace = tuple[str, ...]

SECRET: tuple[Namespace, str] = (("threadkeep",), "secret")
KEY_CHARACTERS = 32
PINS_KEY = "pins"
RESERVED = frozenset(
    "messages entities facts notes abandoned threads open usage corrections pinned "
    "suppressed".split()
)
"""Labels below a user's key under which things of our own are; other labels are free."""
UUID_FORM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_secrets: WeakKeyDictionary[BaseStore, bytes] = WeakKeyDictionary()


async def user_key(store: BaseStore, user_id: str) -> str:
    """Return the first label of everything this user owns: a hash of the id, keyed by the store.

    Whoever guesses a user id still knows no namespace; HMAC-SHA256, 32 hex characters.
    """
    # The secret is the process's own business: a guarded store gives nobody's key away.
    store = getattr(store, "unguarded", store)
    secret = _secrets.get(store)
    if secret is None:
        secret = _secrets[store] = await _secret(store)
    normal = unicodedata.normalize("NFC", user_id)
    return hmac.new(secret, normal.encode(), sha256).hexdigest()[:KEY_CHARACTERS]


def thread_id(user: str, name: str) -> str:
    """Return the id of the user's thread of that name, a UUID."""
    normal = unicodedata.normalize("NFC", name)
    digest = sha256(f"{user}\0{normal}".encode()).digest()
    return str(UUID(bytes=digest[:16], version=5))


def thread_called(user: str, name: str) -> str:
    """Return the id of the thread that a person means.

    A UUID is an id itself, as of threads that were begun through a server; any other name of the
    user's makes one.
    """
    return name if UUID_FORM.fullmatch(name) else thread_id(user, name)


def messages_of(user: str, thread: str) -> Namespace:
    """Return where the words of one thread are."""
    return (user, "messages", thread)


def all_messages_of(user: str) -> Namespace:
    """Return where the words of all of a user's threads are."""
    return (user, "messages")


def entities_of(user: str) -> Namespace:
    """Return where the entities are that a user spoke of."""
    return (user, "entities")


def facts_of(user: str) -> Namespace:
    """Return where the facts are that a user told."""
    return (user, "facts")


def suppressed_of(user: str) -> Namespace:
    """Return where it is kept which facts are never to be learned again: hashes alone."""
    return (user, "suppressed")


def notes_of(user: str, thread: str) -> Namespace:
    """Return where it is kept what each message of one thread taught."""
    return (user, "notes", thread)


def all_notes_of(user: str) -> Namespace:
    """Return where it is kept what all of a user's messages taught."""
    return (user, "notes")


def abandoned_of(user: str, thread: str) -> Namespace:
    """Return where the messages of one thread are that lie on branches that were left."""
    return (user, "abandoned", thread)


def threads_of(user: str) -> Namespace:
    """Return where the records of a user's threads are."""
    return (user, "threads")


def corrections_of(user: str) -> Namespace:
    """Return where it is kept which facts a user has corrected."""
    return (user, "corrections")


def pinned_of(user: str) -> Namespace:
    """Return where it is kept what a user has pinned, under `PINS_KEY`."""
    return (user, "pinned")


def open_turns_of(user: str) -> Namespace:
    """Return where the notes are of a user's turns under way."""
    return (user, "open")


def usage_of(user: str) -> Namespace:
    """Return where the sums are of what a user's calls to models took."""
    return (user, "usage")


def entity_key(name: str) -> str:
    """Return the key of the entity of that name; case and spacing do not matter."""
    return _hashed(" ".join(name.casefold().split()))


def fact_key(subject: str, predicate: str, object_: str) -> str:
    """Return the key of the fact; case and spacing do not matter."""
    parts = (subject, predicate, object_)
    return _hashed("\0".join(" ".join(part.casefold().split()) for part in parts))


def new_secret() -> dict[str, str]:
    """Return the value of a fresh secret."""
    return {"secret": secrets.token_hex(32)}


def _hashed(text: str) -> str:
    normal = unicodedata.normalize("NFC", text)
    return sha256(normal.encode("utf-8", "replace")).hexdigest()[:KEY_CHARACTERS]


async def _secret(store: BaseStore) -> bytes:
    namespace, key = SECRET
    item = await store.aget(namespace, key)
    if item is None:
        await store.aput(namespace, key, new_secret(), index=False)
        item = await store.aget(namespace, key)
    assert item is not None  # noqa: S101  (a store that returns what was put)
    return bytes.fromhex(item.value["secret"])
