"""Fill memories, and read what is stored before and after an erasure."""

import json
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from threadkeep.base.settings import Settings
from threadkeep.base.user import acting_as
from threadkeep.cli.import_file import import_file
from threadkeep.memory import Memory
from threadkeep.stores.namespaces import (
    all_messages_of,
    facts_of,
    messages_of,
    thread_id,
    threads_of,
    user_key,
)
from threadkeep.transfer.export import export_user

VOLATILE = ("created", "sha256")


def grep(folder: Path, text: str) -> list[str]:
    """Return the files below a folder that contain a text, as any program would see it."""
    encodings = [text.encode(), json.dumps(text)[1:-1].encode(), text.encode("utf-16-le")]
    return [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(encoding in path.read_bytes() for encoding in encodings)
    ]


async def say(memory: Memory, user: str, thread: str, *texts: str) -> str:
    """Say texts, one turn for each; return the last reply."""
    reply = ""
    for text in texts:
        turn = await memory.say(text, thread=thread, user_id=user)
        await turn.finished()
        reply = turn.reply
    return reply


async def stored_records(memory: Memory, user: str) -> list[object]:
    """Return the exported records of a user without times and digests of the export."""
    with acting_as(user):
        lines: AsyncIterator[str] = export_user(memory.opened, user)
        records = [json.loads(line) async for line in lines]
    return [
        {key: value for key, value in record.items() if key not in VOLATILE} for record in records
    ]


async def id_of(memory: Memory, text: str, user: str = "ada") -> str:
    """Return the id of the message with this text."""
    owner = await user_key(memory.opened.store, user)
    items = await memory.opened.store.asearch(all_messages_of(owner), limit=10_000)
    return next(item.key for item in items if item.value["text"] == text)


async def fact_of(memory: Memory, text: str) -> str:
    """Return the key of the fact with this text."""
    owner = await user_key(memory.opened.store, "ada")
    items = await memory.opened.store.asearch(facts_of(owner), limit=1_000)
    return next(item.key for item in items if item.value["text"] == text)


async def exported(memory: Memory, user: str = "ada") -> str:
    """Return the exported records of a user as one text."""
    return str(await stored_records(memory, user))


async def stored_messages(memory: Memory, thread: str) -> list[dict[str, Any]]:
    """Return the stored messages of a thread in their order."""
    owner = await user_key(memory.opened.store, "ada")
    items = await memory.opened.store.asearch(
        messages_of(owner, thread_id(owner, thread)), limit=10_000
    )
    return sorted((item.value for item in items), key=lambda value: int(value["position"]))


async def assert_well_ordered(memory: Memory, thread: str) -> None:
    """Check that positions have no gaps, and each message has the text before it."""
    values = await stored_messages(memory, thread)
    assert [value["position"] for value in values] == list(range(len(values)))
    owner = await user_key(memory.opened.store, "ada")
    record = await memory.opened.store.aget(threads_of(owner), thread_id(owner, thread))
    assert record
    for before, value in pairwise(values):
        # The first message after an imported conversation does not follow its last one.
        if value["position"] != record.value.get("begins_at"):
            assert value["before"] == before["text"]
    state = await memory.graph.aget_state((await memory.thread(thread, user_id="ada")).config())
    if state.values:
        assert record.value["last_message"] == state.values["stored_through"]
        assert state.values["stored"] == len(values)


async def import_diary(settings: Settings, user: str, messages: int, thread: str = "diary") -> None:
    """Import a conversation in which each message has a text of its own."""
    settings.home.mkdir(parents=True, exist_ok=True)
    path = settings.home / f"{user}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(messages):
            line = {
                "user": user,
                "thread": f"{thread}-{number // 1_000}",
                "role": "user" if number % 2 == 0 else "assistant",
                "text": diary_text(user, number),
                "time": f"2025-03-04T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z",
            }
            file.write(json.dumps(line) + "\n")
    await import_file(settings, path, "jsonl")
    path.unlink()


def diary_text(user: str, number: int) -> str:
    """Return the text of a user's imported message."""
    return f"I keep {user}'s Schlüssel number {number * 7919 + 13} in the drawer of room {number}."
