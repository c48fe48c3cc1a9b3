"""LoCoMo's dialogues in a store of ours, through the product's own import, and their questions."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langgraph.store.base import Item

from threadkeep.base.settings import Settings
from threadkeep.cli.import_file import import_file
from threadkeep.stores.hybrid import HybridStore, open_store
from threadkeep.stores.namespaces import all_messages_of, user_key

PAGE = 1_000
ABSENT = 5
"""The category of questions whose answer is in no turn."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question about one conversation, and the ids of the messages that answer it."""

    user: str
    owner: str
    text: str
    category: int
    evidence: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was imported: the store, all questions, and each owner's messages in their order."""

    store: HybridStore
    questions: list[Question]
    messages: dict[str, list[Item]]
    keys: dict[str, list[str]] = field(default_factory=dict)
    """The keys of each owner's rows in the index, once somebody has asked for them."""


@asynccontextmanager
async def open_imported(
    folder: Path, data: Path, embeddings: str = "static"
) -> AsyncIterator[Asked]:
    """Import a LoCoMo file into an empty folder and open the store."""
    settings = Settings(home=folder, model="offline", embeddings=embeddings)
    await import_file(settings, data, "locomo")
    async with open_store(settings) as store:
        await store.index_pending()
        questions: list[Question] = []
        messages: dict[str, list[Item]] = {}
        for record in json.loads(await asyncio.to_thread(data.read_text, encoding="utf-8")):
            owner = await user_key(store, record["sample_id"])
            messages[owner] = await _messages(store, owner)
            questions += _questions(record, owner, messages[owner])
        yield Asked(store=store, questions=questions, messages=messages)


async def _messages(store: HybridStore, owner: str) -> list[Item]:
    found: list[Item] = []
    while page := await store.asearch(all_messages_of(owner), limit=PAGE, offset=len(found)):
        found += page
    return sorted(found, key=lambda item: (item.value["time"], item.value["position"]))


def _questions(record: dict[str, Any], owner: str, messages: Sequence[Item]) -> list[Question]:
    by_source = {item.value.get("source_id"): item.key for item in messages}
    made = []
    for asked in record["qa"]:
        # Some annotations hold several ids in one string.
        named = re.findall(r"D\d+:\d+", " ".join(asked.get("evidence") or []))
        evidence = frozenset(by_source[each] for each in named if each in by_source)
        if evidence:
            made.append(
                Question(
                    user=record["sample_id"],
                    owner=owner,
                    text=asked["question"],
                    category=int(asked["category"]),
                    evidence=evidence,
                )
            )
    return made
