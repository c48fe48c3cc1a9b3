"""Pictures and files of users beside their items: once per user, by digest, with their uses."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from typing import Final

from langgraph.store.base import BaseStore, GetOp, Item, PutOp

from threadkeep.base.media import data_size
from threadkeep.stores.namespaces import (
    abandoned_of,
    blob_uses_of,
    blobs_of,
    messages_of,
    user_key,
)
from threadkeep.stores.pages import ALL, items_in, list_namespaces

MAX_CACHED_CHARACTERS: Final = 64_000_000
PIECE_CHARACTERS: Final = 40
"""Of the data of an erased blob, to search for."""


class StoreBlobs:
    """Blobs in a store: an item for each digest, and one for each thread that uses it."""

    def __init__(self, store: BaseStore) -> None:
        self.store = store
        self._cache: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._size = 0

    async def keep(self, user_id: str, thread: str, data: Mapping[str, str]) -> None:
        """Keep base64 by digest, and record that the thread uses it. Idempotent.

        Empty data is kept already.
        """
        owner = await user_key(self.store, user_id)
        blobs, uses = blobs_of(owner), blob_uses_of(owner, thread)
        puts = [
            PutOp(blobs, digest, {"data": text, "size": data_size(text)}, index=False)
            for digest, text in data.items()
            if text
        ]
        puts += [PutOp(uses, digest, {"digest": digest}, index=False) for digest in data]
        # One transaction: whoever deletes what is not used sees the use or no blob.
        await self.store.abatch(puts)
        for digest, text in data.items():
            self._remember(owner, digest, text)

    async def read(self, user_id: str, digests: Sequence[str]) -> Mapping[str, str]:
        """Return the base64 of the digests that are kept."""
        owner = await user_key(self.store, user_id)
        data = {
            digest: self._cache[owner, digest]
            for digest in digests
            if (owner, digest) in self._cache
        }
        missing = [digest for digest in digests if digest not in data]
        if not missing:
            return data
        blobs = blobs_of(owner)
        for item in await self.store.abatch([GetOp(blobs, digest) for digest in missing]):
            if isinstance(item, Item) and isinstance(text := item.value.get("data"), str):
                data[item.key] = text
                self._remember(owner, item.key, text)
        return data

    async def copy_uses(self, user_id: str, source: str, target: str) -> None:
        """Record that the copy of a thread uses the same blobs."""
        owner = await user_key(self.store, user_id)
        uses = blob_uses_of(owner, target)
        puts = [
            PutOp(uses, item.key, item.value, index=False)
            async for item in items_in(self.store, blob_uses_of(owner, source))
        ]
        if puts:
            await self.store.abatch(puts)

    async def release(self, user_id: str, thread: str) -> None:
        """Delete what only the checkpoints of a deleted thread used. Idempotent."""
        owner = await user_key(self.store, user_id)
        if [item async for item in items_in(self.store, blob_uses_of(owner, thread))]:
            used = await blobs_of_messages(self.store, owner, thread)
            await delete_uses(self.store, owner, thread, used)

    def _remember(self, owner: str, digest: str, text: str) -> None:
        if text and (owner, digest) not in self._cache:
            self._cache[owner, digest] = text
            self._size += len(text)
            while self._size > MAX_CACHED_CHARACTERS and len(self._cache) > 1:
                self._size -= len(self._cache.popitem(last=False)[1])


async def blobs_of_messages(store: BaseStore, owner: str, thread: str) -> set[str]:
    """Return the digests of the stored messages of a thread, abandoned ones included."""
    values = [item.value async for item in items_in(store, messages_of(owner, thread))]
    values += [
        item.value.get("message") or {}
        async for item in items_in(store, abandoned_of(owner, thread))
    ]
    return {digest for value in values for digest in value.get("blobs") or ()}


async def evidence_of_blobs(
    store: BaseStore, owner: str, data: Iterable[tuple[str, str]]
) -> list[str]:
    """Return a piece of each erased blob, by digest and data, that no other user keeps."""
    others = [
        namespace
        for namespace in await store.alist_namespaces(suffix=("blobs",), limit=ALL)
        if len(namespace) == 2 and namespace[0] != owner
    ]
    pieces = []
    for digest, text in data:
        gets = [GetOp(namespace, digest, refresh_ttl=False) for namespace in others]
        if not any(await store.abatch(gets)):
            pieces.append(text[len(text) // 2 :][:PIECE_CHARACTERS])
    return pieces


async def all_blobs(store: BaseStore, owner: str) -> AsyncIterator[tuple[str, str]]:
    """Yield digest and data of each blob of a user, one at a time."""
    digests = {
        item.key: None
        for namespace in await list_namespaces(store, owner)
        if namespace[1:2] == blob_uses_of(owner, "")[1:2]
        async for item in items_in(store, namespace)
    }
    for digest in digests:
        if item := await store.aget(blobs_of(owner), digest, refresh_ttl=False):
            yield digest, str(item.value.get("data") or "")


async def delete_uses(
    store: BaseStore, owner: str, thread: str, used: Collection[str] = ()
) -> dict[str, str]:
    """Delete a thread's uses of blobs except `used`, and the blobs that no thread uses then.

    Return the data of the deleted blobs by digest. Idempotent.
    """
    namespace = blob_uses_of(owner, thread)
    digests = [item.key async for item in items_in(store, namespace) if item.key not in used]
    await store.abatch([PutOp(namespace, digest, None) for digest in digests])
    deleted: dict[str, str] = {}
    for digest in await _unused(store, owner, digests):
        item = await store.aget(blobs_of(owner), digest, refresh_ttl=False)
        if item is not None:
            await store.adelete(blobs_of(owner), digest)
            if digest in await _unused(store, owner, [digest]):
                deleted[digest] = str(item.value.get("data") or "")
            else:  # A turn of another thread began to use it just now.
                await store.aput(blobs_of(owner), digest, item.value, index=False)
    return deleted


async def _unused(store: BaseStore, owner: str, digests: Collection[str]) -> list[str]:
    """Return the digests that no thread uses."""
    if not digests:
        return []
    spaces = [
        space
        for space in await list_namespaces(store, owner)
        if len(space) > 2 and space[1] == blob_uses_of(owner, "")[1]
    ]
    pairs = [(space, digest) for space in spaces for digest in digests]
    results = await store.abatch([GetOp(*pair, refresh_ttl=False) for pair in pairs])
    used = {item.key for item in results if isinstance(item, Item)}
    return [digest for digest in digests if digest not in used]
