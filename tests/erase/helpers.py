"""Homes with memory in them, and what is looked at before and after something is forgotten."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

from threadkeep.base.settings import Settings
from threadkeep.base.user import acting_as
from threadkeep.cli.import_file import import_file
from threadkeep.memory import Memory
from threadkeep.transfer.export import export_user

VOLATILE = ("created", "sha256")


def grep(folder: Path, text: str) -> list[str]:
    """Return the files below a folder in which a text stands, as any program would see it."""
    plain = [text.encode(), json.dumps(text)[1:-1].encode(), text.encode("utf-16-le")]
    return [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(form in path.read_bytes() for form in plain)
    ]


async def say(memory: Memory, user: str, thread: str, *texts: str) -> str:
    """Say something, one turn each; return the last reply."""
    reply = ""
    for text in texts:
        turn = await memory.say(text, thread=thread, user_id=user)
        await turn.finished()
        reply = turn.reply
    return reply


async def kept_of(memory: Memory, user: str) -> list[object]:
    """Return all that is kept of a user, but for when it was looked at."""
    with acting_as(user):
        lines: AsyncIterator[str] = export_user(memory.opened, user)
        found = [json.loads(line) async for line in lines]
    return [{key: told for key, told in each.items() if key not in VOLATILE} for each in found]


async def import_talk(settings: Settings, user: str, messages: int, thread: str = "diary") -> None:
    """Import a conversation in which each message says something that no other does."""
    settings.home.mkdir(parents=True, exist_ok=True)
    path = settings.home / f"{user}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(messages):
            line = {
                "user": user,
                "thread": f"{thread}-{number // 1_000}",
                "role": "user" if number % 2 == 0 else "assistant",
                "text": words(user, number),
                "time": f"2025-03-04T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z",
            }
            file.write(json.dumps(line) + "\n")
    await import_file(settings, path, "jsonl")
    path.unlink()


def words(user: str, number: int) -> str:
    """Return what a user's imported message of that number says."""
    return f"I keep {user}'s Schlüssel number {number * 7919 + 13} in the drawer of room {number}."
