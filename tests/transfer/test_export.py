"""An export has everything of one user, and nothing of other users or of the store itself."""

import json
from hashlib import sha256
from typing import Any

import pytest

from threadkeep.base.errors import AccessRefused, BadInput
from threadkeep.base.settings import Settings
from threadkeep.base.user import acting_as
from threadkeep.memory import Memory, open_memory
from threadkeep.stores.namespaces import SECRET, user_key
from threadkeep.transfer.export import export_user
from threadkeep.transfer.export_format import VERSION

TEXTS = [
    ("first", "My sister Miriam moved to Lisbon in March and keeps two parrots."),
    ("second", "I live in Bergen."),
    ("second", "I moved to Oslo."),
]


async def say(memory: Memory, user: str, thread: str, text: str) -> str:
    turn = await memory.say(text, thread=thread, context={"model": "offline"}, user_id=user)
    await turn.finished()
    return turn.reply


async def exported(memory: Memory, user: str, thread: str | None = None) -> list[dict[str, Any]]:
    with acting_as(user):
        lines = export_user(memory.opened, user, thread=thread)
        return [json.loads(line) async for line in lines]


def of_kind(records: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [record for record in records if record["kind"] == kind]


async def test_an_export_has_every_item_once_between_header_and_end(home: Settings) -> None:
    async with open_memory(home) as memory:
        for thread, text in TEXTS:
            await say(memory, "ada", thread, text)
        records = await exported(memory, "ada")
    header, end = records[0], records[-1]
    assert (header["kind"], header["schema"], header["version"]) == (
        "header",
        "threadkeep-export",
        VERSION,
    )
    assert end["records"] == len(records) - 1
    for kind, count in header["counts"].items():
        assert len(of_kind(records, kind)) == count, kind
    messages = of_kind(records, "message")
    assert [m["value"]["text"] for m in messages if m["value"]["role"] == "user"] == [
        text for _, text in TEXTS
    ]
    assert {"time", "recorded_at", "position"} <= messages[0]["value"].keys()
    states = of_kind(records, "state")
    assert [len(record["value"]["messages"]) for record in states] == [2, 4]
    (moved,) = [f for f in of_kind(records, "fact") if f["value"]["object"] == "Bergen"]
    assert moved["value"]["superseded_by"]
    assert moved["value"]["sources"] == [messages[2]["id"]]


async def test_the_end_has_the_digest_of_every_line_before_it(home: Settings) -> None:
    async with open_memory(home) as memory:
        await say(memory, "ada", *TEXTS[0])
        with acting_as("ada"):
            lines = [line async for line in export_user(memory.opened, "ada")]
    whole = "".join(lines[:-1]).encode()
    assert json.loads(lines[-1])["sha256"] == sha256(whole).hexdigest()


async def test_an_export_has_no_owner_key_no_secret_and_no_other_user(home: Settings) -> None:
    async with open_memory(home) as memory:
        await say(memory, "ada", *TEXTS[0])
        await say(memory, "bob", "first", "The vault opens with tulip-4711.")
        records = json.dumps(await exported(memory, "ada"))
        secret = await memory.opened.store.internal.aget(*SECRET)
        for user in ("ada", "bob"):
            assert await user_key(memory.opened.store, user) not in records
    assert secret is not None
    assert secret.value["secret"] not in records
    assert "tulip" not in records


async def test_the_export_of_a_thread_has_the_facts_that_it_alone_taught(
    home: Settings,
) -> None:
    async with open_memory(home) as memory:
        for thread, text in TEXTS:
            await say(memory, "ada", thread, text)
        records = await exported(memory, "ada", "second")
        with pytest.raises(BadInput, match="no thread 'third'"):
            await exported(memory, "ada", "third")
    assert [record["value"]["name"] for record in of_kind(records, "thread")] == ["second"]
    assert len(of_kind(records, "message")) == 4
    knowledge = json.dumps(of_kind(records, "fact") + of_kind(records, "entity"))
    assert "Oslo" in knowledge
    assert "Miriam" not in knowledge


async def test_only_the_acting_user_can_export_their_memory(home: Settings) -> None:
    async with open_memory(home) as memory:
        await say(memory, "ada", *TEXTS[0])
        with acting_as("bob"), pytest.raises(AccessRefused):
            export_user(memory.opened, "ada")
        with pytest.raises(AccessRefused, match="Nobody is asking"):
            export_user(memory.opened, "ada")
