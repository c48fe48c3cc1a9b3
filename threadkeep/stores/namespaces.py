"""Namespaces, keys and ids: the only place that builds them from user input."""

import hmac
import re
import secrets
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from uuid import UUID
from weakref import WeakKeyDictionary

from langgraph.store.base import BaseStore, Item

from threadkeep.base.errors import StorageFailed, UnreadableRecord

Namespace = tuple[str, ...]

INTERNAL = "threadkeep"
"""The first label of what stands beside the items: secret, tokens, tombstones, erasures. The store
hides it from its own methods."""
SECRET: tuple[Namespace, str] = ((INTERNAL,), "secret")
KEY_CHARACTERS = 32
PINS_KEY = "pins"
RESERVED = frozenset(
    "messages entities facts notes abandoned threads open usage corrections pinned "
    "suppressed blobs blob_uses identities aliases".split()
)
"""Labels below an owner that this package uses; others are free."""
OWNER_FORM = re.compile(r"[0-9a-f]{32}")
MIN_SECRET_BYTES = 16
MAX_NAMESPACES = 1_000
LOST_KEY = (
    "The key under which users are hashed {} in the store, so nobody's memory can be found; "
    "restore the database from a backup, or set THREADKEEP_HOME to another folder."
)
UUID_FORM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_secrets: WeakKeyDictionary[BaseStore, bytes] = WeakKeyDictionary()


async def user_key(store: BaseStore, user_id: str) -> str:
    """Return the first label of everything this user owns: a hash of the id, keyed by the store.

    A guessed user id still gives no namespace: HMAC-SHA256, 32 hex characters.
    """
    store = internal_store(store)
    if store not in _secrets:
        _secrets[store] = await _secret(store)
    return _user_key(_secrets[store], user_id)


def get_user_key(store: BaseStore, user_id: str) -> str:
    """Do `user_key` from another thread than that of the store's event loop.

    Raises:
        InvalidStateError: it is called on the store's event loop.
    """
    store = internal_store(store)
    if store not in _secrets:
        namespace, key = SECRET
        with _lost_key_named():
            if store.get(namespace, key) is None:
                _refuse_lost_key(store, store.list_namespaces(max_depth=2, limit=MAX_NAMESPACES))
                store.put(namespace, key, new_secret(), index=False)
            _secrets[store] = _secret_in(store.get(namespace, key))
    return _user_key(_secrets[store], user_id)


def _user_key(secret: bytes, user_id: str) -> str:
    normal = unicodedata.normalize("NFC", user_id)
    return hmac.new(secret, normal.encode(), sha256).hexdigest()[:KEY_CHARACTERS]


def internal_store(store: BaseStore) -> BaseStore:
    """Return the store in which the process itself reaches what stands beside the items."""
    store = getattr(store, "unguarded", store)
    internal: BaseStore = getattr(store, "internal", store)
    return internal


def thread_id(user: str, name: str) -> str:
    """Return the id of the user's thread of that name, a UUID."""
    normal = unicodedata.normalize("NFC", name)
    digest = sha256(f"{user}\0{normal}".encode()).digest()
    return str(UUID(bytes=digest[:16], version=5))


def thread_id_for(user: str, name: str) -> str:
    """Return the id of a thread by its name or id.

    A UUID is an id itself, as of threads that were created through a server; other names make one.
    """
    return name if UUID_FORM.fullmatch(name) else thread_id(user, name)


def messages_of(user: str, thread: str) -> Namespace:
    """Return the namespace of the messages of one thread."""
    return (user, "messages", thread)


def all_messages_of(user: str) -> Namespace:
    """Return the namespace prefix of the messages of all threads."""
    return (user, "messages")


def entities_of(user: str) -> Namespace:
    """Return the namespace of the entities."""
    return (user, "entities")


def facts_of(user: str) -> Namespace:
    """Return the namespace of the facts."""
    return (user, "facts")


def suppressed_of(user: str) -> Namespace:
    """Return the namespace of hashes of facts that must not be learned again."""
    return (user, "suppressed")


def notes_of(user: str, thread: str) -> Namespace:
    """Return the namespace of the notes of one thread."""
    return (user, "notes", thread)


def all_notes_of(user: str) -> Namespace:
    """Return the namespace prefix of the notes of all threads."""
    return (user, "notes")


def abandoned_of(user: str, thread: str) -> Namespace:
    """Return the namespace of the messages of one thread on unused branches."""
    return (user, "abandoned", thread)


def threads_of(user: str) -> Namespace:
    """Return the namespace of the thread records."""
    return (user, "threads")


def corrections_of(user: str) -> Namespace:
    """Return the namespace of the corrections of facts."""
    return (user, "corrections")


def identities_of(user: str) -> Namespace:
    """Return the namespace of the user's merges and splits of entities."""
    return (user, "identities")


def aliases_of(user: str) -> Namespace:
    """Return the namespace of the names of entities that have several; derived like entities."""
    return (user, "aliases")


def pinned_of(user: str) -> Namespace:
    """Return the namespace of the pins, under `PINS_KEY`."""
    return (user, "pinned")


def open_turns_of(user: str) -> Namespace:
    """Return the namespace of the turn journal."""
    return (user, "open")


def blobs_of(user: str) -> Namespace:
    """Return the namespace of pictures and files, by digest."""
    return (user, "blobs")


def blob_uses_of(user: str, thread: str) -> Namespace:
    """Return the namespace of the digests that one thread uses."""
    return (user, "blob_uses", thread)


def usage_of(user: str) -> Namespace:
    """Return the namespace of the usage records."""
    return (user, "usage")


def entity_key(name: str) -> str:
    """Return the key of the entity of that name; case and spacing do not matter."""
    return _hashed(" ".join(name.casefold().split()))


def fact_key(subject: str, predicate: str, object_: str) -> str:
    """Return the key of the fact; case and spacing do not matter."""
    parts = (subject, predicate, object_)
    return _hashed("\0".join(" ".join(part.casefold().split()) for part in parts))


def new_secret() -> dict[str, str]:
    """Return the value of a new secret."""
    return {"secret": secrets.token_hex(32)}


def _hashed(text: str) -> str:
    normal = unicodedata.normalize("NFC", text)
    return sha256(normal.encode("utf-8", "replace")).hexdigest()[:KEY_CHARACTERS]


async def _secret(store: BaseStore) -> bytes:
    namespace, key = SECRET
    with _lost_key_named():
        item = await store.aget(namespace, key)
        if item is None:
            _refuse_lost_key(store, await store.alist_namespaces(max_depth=2, limit=MAX_NAMESPACES))
            await store.aput(namespace, key, new_secret(), index=False)
            item = await store.aget(namespace, key)
        return _secret_in(item)


def _secret_in(item: Item | None) -> bytes:
    secret = bytes.fromhex(item.value["secret"]) if item else b""
    if len(secret) < MIN_SECRET_BYTES:
        raise ValueError
    return secret


@contextmanager
def _lost_key_named() -> Iterator[None]:
    """Name a secret that cannot be read; without the cause, which may quote it."""
    try:
        yield
    except (ValueError, TypeError, KeyError, UnreadableRecord):
        raise StorageFailed(LOST_KEY.format("cannot be read")) from None


def is_reserved(namespace: Sequence[str]) -> bool:
    """Return whether a namespace is one of this package's below an owner."""
    has_labels = len(namespace) > 1 and namespace[1] in RESERVED
    return has_labels and OWNER_FORM.fullmatch(namespace[0]) is not None


def _refuse_lost_key(store: BaseStore, namespaces: Iterable[Namespace]) -> None:
    """Refuse a store that had a secret: it holds what users own, or was set up with one.

    Raises:
        StorageFailed: the secret is missing; a new one would put everybody's memory out of reach.
    """
    if getattr(store, "has_secret", False) or any(
        is_reserved(namespace) for namespace in namespaces
    ):
        raise StorageFailed(LOST_KEY.format("is missing"))
