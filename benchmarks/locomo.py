"""Import LoCoMo's dialogues and their questions into a store, through the product's own import."""

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
"""The category of questions without an answer in the dialogues."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question about one conversation, and the ids of the messages that answer it."""

    user: str
    owner: str
    text: str
    category: int
    evidence: frozenset[str]
    newest: str = ""
    """Of an update the id of the message that counts; empty for other questions."""
    answer: str = ""
    """Words that one of the messages has to show; empty if it is not said."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The store, all questions, and the messages of each owner in order."""

    store: HybridStore
    questions: list[Question]
    messages: dict[str, list[Item]]
    keys: dict[str, list[str]] = field(default_factory=dict)
    """A cache: the keys of the rows of each owner's memory index."""

    @property
    def answerable(self) -> list[Question]:
        """The questions of categories 1 to 4, whose answers are in the dialogues."""
        return [question for question in self.questions if question.category != ABSENT]


@asynccontextmanager
async def open_dataset(
    folder: Path, data: Path, embeddings: str = "static"
) -> AsyncIterator[Dataset]:
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
        yield Dataset(store=store, questions=questions, messages=messages)


async def _messages(store: HybridStore, owner: str) -> list[Item]:
    items: list[Item] = []
    while page := await store.asearch(all_messages_of(owner), limit=PAGE, offset=len(items)):
        items += page
    return sorted(items, key=lambda item: (item.value["time"], item.value["position"]))


def _questions(record: dict[str, Any], owner: str, messages: Sequence[Item]) -> list[Question]:
    keys = {item.value.get("source_id"): item.key for item in messages}
    questions = []
    for annotation in record["qa"]:
        # Some annotations hold several ids in one string.
        source_ids = re.findall(r"D\d+:\d+", " ".join(annotation.get("evidence") or []))
        evidence = [keys[source_id] for source_id in source_ids if source_id in keys]
        question = Question(
            user=record["sample_id"],
            owner=owner,
            text=annotation["question"],
            category=int(annotation["category"]),
            evidence=frozenset(evidence),
            newest=evidence[-1] if annotation.get("is_update") else "",
            answer=annotation.get("shown", ""),
        )
        if question.evidence:
            questions.append(question)
    return questions
