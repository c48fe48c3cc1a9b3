"""Look for what was forgotten: in the files, byte for byte, and by every way that leads to it."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from threadkeep.checkpoints.erasing import (
    count_checkpoints,
    raw_values_except,
    raw_values_of,
    threads_of_user,
)
from threadkeep.erase.plan import Plan
from threadkeep.erase.search_strings import evidence_of
from threadkeep.erase.string_matcher import StringMatcher
from threadkeep.opened import Opened, Progress
from threadkeep.stores.namespaces import (
    abandoned_of,
    all_messages_of,
    entities_of,
    facts_of,
    messages_of,
    notes_of,
)
from threadkeep.stores.namespaces import threads_of as records_of
from threadkeep.stores.pages import items_in, list_namespaces
from threadkeep.vectors.chroma_files import own_texts

QUERIES = 40
"""Searches by words and meaning, for texts spread over all that went."""
SHORTEST_USER = 4
WORDS = ("messages", "abandoned")
"""Labels below the user's key whose items stay as somebody said them."""


@dataclass(kw_only=True)
class Scanned:
    """What was looked through, and what was found."""

    strings: int = 0
    paths: list[str] = field(default_factory=list)
    files: int | None = None
    bytes: int = 0
    found: list[str] = field(default_factory=list)

    @property
    def value(self) -> dict[str, Any]:
        """Return it for a receipt."""
        told: dict[str, Any] = {"strings": self.strings, "paths": self.paths}
        return told if self.files is None else {**told, "files": self.files, "bytes": self.bytes}


async def scan(opened: Opened, plan: Plan, progress: Progress, *, files: bool) -> Scanned:
    """Look for what a plan has removed, by every way that leads to it, and with `files` in them."""
    matcher = await _evidence(opened, plan)
    done = Scanned(strings=matcher.count)
    if plan.kind == "user":
        await _ask_for_user(opened, plan, done)
    else:
        await _ask_for_parts(opened, plan, matcher, done)
    if files:
        await _read_files(opened, matcher, done, progress)
    return done


async def _evidence(opened: Opened, plan: Plan) -> StringMatcher:
    """Return the strings that only what went had: what anybody else holds is no evidence."""
    names = [plan.names[each] for each in plan.threads if each in plan.names]
    ids = set(plan.messages)
    if plan.kind == "user":
        ids |= {plan.owner, *([plan.user] if len(plan.user) >= SHORTEST_USER else [])}
        ids |= {f'"{plan.user}"'} if plan.user else set()
    strings = await asyncio.to_thread(evidence_of, plan.texts, names, ids)
    matcher = await asyncio.to_thread(StringMatcher, sorted(strings))
    matcher.ignore(await matcher.search_stream(_others(opened, plan)))
    return matcher


async def _others(opened: Opened, plan: Plan) -> AsyncIterator[bytes]:
    """Yield all that stays and is not made of what went."""
    but = () if plan.kind == "user" else (*WORDS, "threads")
    async for text in opened.store.items.texts_beside(plan.owner, but):
        yield text
    changed = [*plan.threads, *plan.touched]
    async for text in raw_values_except(opened.inner_saver, changed):
        yield text
    for text in await asyncio.to_thread(lambda: list(own_texts(opened.store.vectors.folder))):
        yield text


async def _ask_for_user(opened: Opened, plan: Plan, done: Scanned) -> None:
    owner, saver = plan.owner, opened.inner_saver
    done.paths = ["namespaces", "search by words and meaning", "vectors", "checkpoints"]
    for space in await list_namespaces(opened.store, owner):
        done.found.append(f"items in {'.'.join(space[1:]) or 'the namespace of the user'}")
    for text in _some(plan.texts):
        for _ in await opened.store.asearch((owner,), query=text, limit=1):
            done.found.append("a search of the user's memory")
    if await opened.store.vectors.count(owner):
        done.found.append("vectors of the user")
    if plan.user:
        done.found += [
            f"checkpoints of thread {each}" for each in await threads_of_user(saver, plan.user)
        ]
    checkpoints, writes = await count_checkpoints(saver, plan.threads)
    if checkpoints or writes:
        done.found.append("checkpoints of the user's threads")


async def _ask_for_parts(opened: Opened, plan: Plan, matcher: StringMatcher, done: Scanned) -> None:
    owner, store = plan.owner, opened.store
    done.paths = ["items by id", "what is known", "search by words and meaning", "checkpoints"]
    gone = plan.messages
    threads = [*plan.threads, *plan.touched]
    for thread in threads:
        spaces = [space(owner, thread) for space in (messages_of, notes_of, abandoned_of)]
        for space in spaces:
            async for item in items_in(store, space):
                named = item.key in gone or item.value.get("id") in gone
                if named or thread in plan.threads:
                    done.found.append(f"an item of thread {plan.names.get(thread, thread)!r}")
    for space in (entities_of(owner), facts_of(owner), records_of(owner)):
        async for item in items_in(store, space):
            text = str(item.value)
            if matcher.search(text.encode("utf-8", "replace")) or item.key in plan.threads:
                done.found.append(f"{space[1]}: {item.key}")
            if space[1] == plan_label(plan) and item.key in plan.known:
                done.found.append(f"the {plan.kind} itself")
    for text in _some(plan.texts):
        for item in await store.asearch(all_messages_of(owner), query=text, limit=20):
            if item.key in gone and item.namespace[2] in threads:
                done.found.append("a search of the user's memory")
    for thread in threads:
        async for text_of in raw_values_of(opened.inner_saver, thread):
            if matcher.search(text_of):
                done.found.append(f"checkpoints of thread {plan.names.get(thread, thread)!r}")
                break


def plan_label(plan: Plan) -> str:
    """Return the label of the namespace in which what a plan means is kept."""
    return {"fact": "facts", "entity": "entities"}.get(plan.kind, "")


async def _read_files(
    opened: Opened, matcher: StringMatcher, done: Scanned, progress: Progress
) -> None:
    paths = await asyncio.to_thread(files_of, opened)
    done.files = len(paths)
    for number, path in enumerate(paths):
        progress("scanning files", number, len(paths))
        try:
            done.bytes += (await asyncio.to_thread(path.stat)).st_size
            hits = await asyncio.to_thread(matcher.search_file, path)
        except FileNotFoundError:
            continue  # A lock or a log that was there a moment ago.
        if hits:
            done.found.append(f"{len(hits)} telling strings in {str(path)!r}")
    progress("scanning files", len(paths), len(paths))


def files_of(opened: Opened) -> list[Path]:
    """Return every file in which memory may be: the data folder, and databases beside it."""
    settings = opened.settings
    folders = {settings.home, settings.locks, opened.store.vectors.folder}
    found = {path for folder in folders if folder.exists() for path in folder.rglob("*")}
    for database in (settings.checkpoint_database, settings.item_database):
        if database.kind == "sqlite":
            found |= set(database.path.parent.glob(f"{database.path.name}*"))
    return sorted(path for path in found if path.is_file())


def _some(texts: Sequence[str]) -> Iterable[str]:
    step = max(1, len(texts) // QUERIES)
    return [text[:500] for text in texts[::step] if text.strip()][:QUERIES]
