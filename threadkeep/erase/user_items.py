"""Read what is stored of one user, to plan an erasure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langgraph.store.base import Item

from threadkeep.checkpoints.erasing import count_checkpoints, raw_values_of, threads_of_user
from threadkeep.erase.plan import PlannedMessage
from threadkeep.erase.string_matcher import StringMatcher
from threadkeep.knowledge.merge_note import keys_of_note
from threadkeep.knowledge.names import Names
from threadkeep.knowledge.notes import Note
from threadkeep.knowledge.stored_names import read_all_names
from threadkeep.opened import Opened
from threadkeep.stores.namespaces import Namespace, notes_of, threads_of, user_key
from threadkeep.stores.pages import items_in, list_namespaces
from threadkeep.stores.tombstones import message_marks

THREAD_LABELS = ("messages", "abandoned", "notes", "blob_uses")
MESSAGE_LABELS = ("messages", "abandoned")
COUNTED_LABELS = ("messages", "entities", "facts")
TEXT_FIELDS = ("text", "name", "title")
USER = "user"


@dataclass(frozen=True, kw_only=True)
class UserItems:
    """The namespaces and threads of one user, before an erasure."""

    opened: Opened
    user: str
    owner: str
    namespaces: list[Namespace]
    thread_names: dict[str, str]
    """Names by id, of the threads with a record."""
    names: Names
    """Who is who."""

    async def thread_ids(self) -> list[str]:
        """Return the ids of all threads that have items, a record or checkpoints."""
        ids = {space[2] for space in self.namespaces if space[1:2] and space[1] in THREAD_LABELS}
        checkpoints = await threads_of_user(self.opened.inner_saver, self.user)
        return sorted({*ids, *self.thread_names, *checkpoints})

    async def messages(self, thread: str = "") -> list[PlannedMessage]:
        """Return all messages, or those of one thread; abandoned ones included."""
        return [
            _planned_message(item)
            for namespace in self.namespaces
            if len(namespace) > 2
            and namespace[1] in MESSAGE_LABELS
            and thread in ("", namespace[2])
            async for item in items_in(self.opened.store, namespace)
        ]

    async def texts(self, namespaces: Iterable[Namespace]) -> list[str]:
        """Return the texts of the items in some namespaces."""
        texts: list[str] = []
        for namespace in namespaces:
            async for item in items_in(self.opened.store, namespace):
                is_abandoned = namespace[1:2] == ("abandoned",)
                value = item.value.get("message") if is_abandoned else item.value
                if isinstance(value, dict):
                    texts += texts_in(value)
        return texts

    async def messages_with_notes_of(self, keys: set[str]) -> set[tuple[str, str]]:
        """Return thread and id of the messages that teach any of these facts or entities."""
        return {
            (namespace[2], item.key)
            for namespace in self.namespaces
            if namespace[1:2] == ("notes",)
            async for item in items_in(self.opened.store, namespace)
            if keys_of_note(self.owner, Note.of(item), self.names) & keys
        }

    async def names_in_notes(self, messages: Iterable[PlannedMessage]) -> list[str]:
        """Return the names of people and things in the notes of messages."""
        names: list[str] = []
        for message in messages:
            namespace = notes_of(self.owner, message.thread)
            item = await self.opened.store.aget(namespace, message.id, refresh_ttl=False)
            if item is not None:
                extraction = Note.of(item).extraction
                names += [entity.name for entity in extraction.entities]
                names += [fact.object for fact in extraction.facts]
        return [name for name in names if name != USER]

    async def threads_that_name(self, message_ids: set[str]) -> set[str]:
        """Return the threads whose checkpoints contain any of these ids."""
        matcher, threads = StringMatcher(message_ids), set()
        for thread in await self.thread_ids():
            async for value in raw_values_of(self.opened.inner_saver, thread):
                if matcher.search(value):
                    threads.add(thread)
                    break
        return threads

    async def counts(self, threads: Sequence[str]) -> dict[str, int]:
        """Return the numbers that a person is shown."""
        counts = {"threads": len(threads)}
        for namespace in self.namespaces:
            label = namespace[1] if len(namespace) > 1 else ""
            if label in COUNTED_LABELS:
                number = await self.opened.store.items.count(namespace)
                counts[label] = counts.get(label, 0) + number
        checkpoints, _ = await count_checkpoints(self.opened.inner_saver, threads)
        return {**counts, "checkpoints": checkpoints}


async def read_user_items(opened: Opened, user: str) -> UserItems:
    """Return the items of a user."""
    owner = await user_key(opened.store, user)
    records = items_in(opened.store, threads_of(owner))
    return UserItems(
        opened=opened,
        user=user,
        owner=owner,
        namespaces=await list_namespaces(opened.store, owner),
        names=await read_all_names(opened.store, owner),
        thread_names={
            record.key: str(record.value.get("name") or record.key) async for record in records
        },
    )


def texts_in(value: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts of an item, and its texts before corrections."""
    for field in TEXT_FIELDS:
        if isinstance(text := value.get(field), str):
            yield text
    for old in value.get("history") or ():
        if isinstance(old, dict) and isinstance(text := old.get("text"), str):
            yield text


def _planned_message(item: Item) -> PlannedMessage:
    is_abandoned = item.namespace[1] == "abandoned"
    value = item.value["message"] if is_abandoned else item.value
    return PlannedMessage(
        id=str(item.value["id"]) if is_abandoned else item.key,
        role=str(value.get("role") or ""),
        text=str(value.get("text") or ""),
        thread=item.namespace[2],
        older_texts=tuple(texts_in({"history": value.get("history")})),
        position=int(value.get("position") or 0),
        is_abandoned=is_abandoned,
        import_marks=tuple(message_marks(item.namespace[0], value)),
    )
