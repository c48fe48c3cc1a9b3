"""Verify an erasure: search the files and every way to read memory for what was erased."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from threadkeep.checkpoints.erasing import (
    count_checkpoints,
    raw_values_except,
    raw_values_of,
    threads_of_user,
)
from threadkeep.erase.evidence import evidence_strings
from threadkeep.erase.plan import ErasurePlan
from threadkeep.erase.string_matcher import StringMatcher
from threadkeep.opened import Opened, Progress
from threadkeep.stores.namespaces import (
    abandoned_of,
    all_messages_of,
    blob_uses_of,
    entities_of,
    facts_of,
    messages_of,
    notes_of,
    threads_of,
)
from threadkeep.stores.pages import items_in, list_namespaces
from threadkeep.vectors.embedded_chroma import new_folder_contents

MAX_QUERIES = 40
"""Searches by words and meaning, for texts spread over all that was erased."""
QUERY_CHARACTERS = 500
MIN_USER_ID = 4
"""Characters of a user id that is searched for without quotes."""
UNDERIVED_LABELS = ("messages", "abandoned", "threads")
"""Labels of a user's items that are not derived from erased messages."""
KNOWLEDGE_LABELS = {"fact": "facts", "entity": "entities"}


@dataclass(kw_only=True)
class ScanResult:
    """What was searched, and what was found."""

    strings: int
    paths: list[str]
    places: list[str] = field(default_factory=list)
    """Where something was found."""
    files: int | None = None
    """None without a search of the files."""
    bytes: int = 0
    dropped: int = 0
    """Folders of vectors in which something was found, and which are made again."""

    def as_json(self) -> dict[str, Any]:
        """Return what was searched, for a receipt."""
        result: dict[str, Any] = {"strings": self.strings, "paths": self.paths}
        if self.files is not None:
            result |= {"files": self.files, "bytes": self.bytes}
        if self.dropped:
            result["vector folders made again"] = self.dropped
        return result


async def scan(opened: Opened, plan: ErasurePlan, report: Progress, *, files: bool) -> ScanResult:
    """Search every way to read memory for what a plan erased, and with `files` all files."""
    matcher = await _evidence_matcher(opened, plan)
    if plan.kind == "user":
        paths = ["namespaces", "search by words and meaning", "vectors", "checkpoints"]
        places = _find_user(opened, plan)
    else:
        paths = ["items by id", "what is known", "search by words and meaning", "checkpoints"]
        places = _find_parts(opened, plan, matcher)
    result = ScanResult(strings=matcher.count, paths=paths)
    result.places = [place async for place in places]
    if files:
        await _scan_files(opened, matcher, result, report)
    return result


async def _evidence_matcher(opened: Opened, plan: ErasurePlan) -> StringMatcher:
    """Return a matcher for the erased strings that no remaining data contains."""
    names = [plan.names[thread] for thread in plan.threads if thread in plan.names]
    ids = set(plan.message_ids)
    if plan.kind == "user":
        ids |= {plan.owner, *([plan.user] if len(plan.user) >= MIN_USER_ID else [])}
        ids |= {f'"{plan.user}"'} if plan.user else set()
    strings = await asyncio.to_thread(evidence_strings, plan.texts, names, ids)
    matcher = await asyncio.to_thread(StringMatcher, sorted(strings))
    matcher.ignore(await matcher.search_stream(_remaining_data(opened, plan)))
    return matcher


async def _remaining_data(opened: Opened, plan: ErasurePlan) -> AsyncIterator[bytes]:
    """Yield all data that stays and is not derived from what was erased."""
    labels = () if plan.kind == "user" else UNDERIVED_LABELS
    async for text in opened.store.items.texts_beside(plan.owner, labels):
        yield text
    threads = [*plan.threads, *plan.changed_threads]
    async for value in raw_values_except(opened.inner_saver, threads):
        yield value
    if opened.store.vectors.server is None:
        for content in await asyncio.to_thread(new_folder_contents):
            yield content


async def _find_user(opened: Opened, plan: ErasurePlan) -> AsyncIterator[str]:
    """Yield the places where something of an erased user still is."""
    owner, saver = plan.owner, opened.inner_saver
    for namespace in await list_namespaces(opened.store, owner):
        yield f"items in {'.'.join(namespace[1:]) or 'the namespace of the user'}"
    for query in _queries(plan.texts):
        if await opened.store.asearch((owner,), query=query, limit=1):
            yield "a search of the user's memory"
    if await opened.store.vectors.count(owner):
        yield "vectors of the user"
    if plan.user:
        for thread in await threads_of_user(saver, plan.user):
            yield f"checkpoints of thread {thread}"
    if any(await count_checkpoints(saver, plan.threads)):
        yield "checkpoints of the user's threads"


async def _find_parts(
    opened: Opened, plan: ErasurePlan, matcher: StringMatcher
) -> AsyncIterator[str]:
    """Yield the places where erased messages, threads or facts still are."""
    threads = [*plan.threads, *plan.changed_threads]
    for thread in threads:
        async for place in _find_items(opened, plan, thread):
            yield place
    async for place in _find_knowledge(opened, plan, matcher):
        yield place
    for query in _queries(plan.texts):
        messages = all_messages_of(plan.owner)
        for item in await opened.store.asearch(messages, query=query, limit=20):
            if item.key in plan.message_ids and item.namespace[2] in threads:
                yield "a search of the user's memory"
    for thread in threads:
        async for value in raw_values_of(opened.inner_saver, thread):
            if matcher.search(value):
                yield f"checkpoints of thread {plan.name_of(thread)!r}"
                break


async def _find_items(opened: Opened, plan: ErasurePlan, thread: str) -> AsyncIterator[str]:
    erased = plan.message_ids
    for namespace_of in (messages_of, notes_of, abandoned_of, blob_uses_of):
        async for item in items_in(opened.store, namespace_of(plan.owner, thread)):
            is_erased = item.key in erased or item.value.get("id") in erased
            if is_erased or thread in plan.threads:
                yield f"an item of thread {plan.name_of(thread)!r}"


async def _find_knowledge(
    opened: Opened, plan: ErasurePlan, matcher: StringMatcher
) -> AsyncIterator[str]:
    for namespace in (entities_of(plan.owner), facts_of(plan.owner), threads_of(plan.owner)):
        label = namespace[1]
        async for item in items_in(opened.store, namespace):
            text = str(item.value).encode("utf-8", "replace")
            if item.key in plan.threads or matcher.search(text):
                yield f"{label}: {item.key}"
            if label == KNOWLEDGE_LABELS.get(plan.kind) and item.key in plan.knowledge:
                yield f"the {plan.kind} itself"


async def _scan_files(
    opened: Opened, matcher: StringMatcher, result: ScanResult, report: Progress
) -> None:
    paths = await asyncio.to_thread(memory_files, opened)
    result.files = len(paths)
    vectors, dropped = opened.store.vectors.folder, set[str]()
    for number, path in enumerate(paths):
        report("scanning files", number, len(paths))
        try:
            result.bytes += (await asyncio.to_thread(path.stat)).st_size
            matches = await asyncio.to_thread(matcher.search_file, path)
        except FileNotFoundError:
            continue  # A lock or a log that was deleted meanwhile.
        if matches and vectors in path.parents:
            # Chroma writes out memory that it has not filled, whatever was in it before.
            dropped.add(path.relative_to(vectors).parts[0])
        elif matches:
            result.places.append(f"{len(matches)} distinctive strings in {str(path)!r}")
    report("scanning files", len(paths), len(paths))
    if dropped:
        await opened.store.drop_vectors(dropped)
        result.dropped = len(dropped)


def memory_files(opened: Opened) -> list[Path]:
    """Return every file that may hold memory: the data folder, and databases outside it."""
    settings = opened.settings
    folders = {settings.home, settings.locks, opened.store.vectors.folder}
    paths = {path for folder in folders if folder.exists() for path in folder.rglob("*")}
    for database in (settings.checkpoint_database, settings.item_database):
        if database.kind == "sqlite":
            paths |= set(database.path.parent.glob(f"{database.path.name}*"))
    return sorted(path for path in paths if path.is_file())


def _queries(texts: Sequence[str]) -> Iterator[str]:
    step = max(1, len(texts) // MAX_QUERIES)
    queries = [text[:QUERY_CHARACTERS] for text in texts[::step] if text.strip()]
    yield from queries[:MAX_QUERIES]
