"""A record that cannot be read is set aside and named; everything else goes on."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.erase.helpers import say
from threadkeep.base.errors import StorageFailed
from threadkeep.base.settings import Settings
from threadkeep.cli.doctor import run_checks
from threadkeep.erase.plan import Target
from threadkeep.memory import Memory, open_memory
from threadkeep.stores.quarantine import DAMAGED, damaged_records

SENTENCES = ("My sister Alba keeps bees.", "My sister Bea keeps bees.", "I live in Bergen.")
KEY = "0123456789abcdef0123456789abcdef"
CONTENT = "xyzzy-content-of-the-cell"
LABELS = "messages facts entities notes threads usage".split()
CONTENTS = {
    "not JSON": b"{xyzzy-content-of-the-cell",
    "not UTF-8": b'{"text": "xyzzy-content-of-the-cell \xff\xfe"}',
    "half a surrogate": b'{"text": "xyzzy-content-of-the-cell \\ud800"}',
    "a list": b'["xyzzy-content-of-the-cell"]',
    "null": b"null",
    "a number": b"5",
    "empty": b"",
    "NUL": b"\0\0\0",
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, model="offline")


async def fill(settings: Settings) -> None:
    async with open_memory(settings) as memory:
        await say(memory, "ada", "t", *SENTENCES)
        await say(memory, "bob", "t", "I live in Oslo.")


def damage(settings: Settings, label: str, content: bytes) -> None:
    """Overwrite the oldest record of Ada below a label."""
    with sqlite3.connect(settings.database) as conn:
        changed = conn.execute(
            "UPDATE store SET value = ? WHERE rowid = "
            "(SELECT min(rowid) FROM store WHERE prefix LIKE ?)",
            (content, f"%.{label}%"),
        )
        assert changed.rowcount == 1
    conn.close()


async def use_everything(memory: Memory) -> None:
    """Do all that a user does, in spite of the damage."""
    await memory.threads(user_id="ada")
    await memory.facts(user_id="ada")
    await memory.entities(user_id="ada")
    await memory.usage(user_id="ada")
    rows = await memory.search("Who keeps bees?", user_id="ada")
    assert any("Bea" in row["text"] for row in rows)
    export = "".join([line async for line in memory.export(user_id="ada")])
    assert "Bea" in export
    assert CONTENT not in export
    assert "Oslo" in await say(memory, "bob", "t", "Where do I live?")
    await say(memory, "ada", "t", "My boat is called Zed.")
    texts = [row["text"] for row in await memory.messages("t", user_id="ada")]
    assert "My boat is called Zed." in texts
    assert SENTENCES[1] in texts


@pytest.mark.parametrize("kind", CONTENTS)
@pytest.mark.parametrize("label", LABELS)
async def test_a_damaged_record_stops_nothing_else(
    settings: Settings, label: str, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    await fill(settings)
    damage(settings, label, CONTENTS[kind])
    async with open_memory(settings) as memory:
        await use_everything(memory)
        await memory.forget(Target(kind="thread", name="t"), user_id="ada")
    assert CONTENT not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("messages", {"role": "user", "text": 5, "position": 0, "time": "2026-01-01"}),
        ("messages", {"role": "user", "text": "x", "position": "0", "time": "2026-01-01"}),
        ("messages", {"role": "user", "text": "x", "position": 0, "time": "yesterday"}),
        ("facts", {"text": "Alba keeps bees."}),
        ("entities", {"name": "Alba", "mentions": "1", "sources": [], "text": "Alba"}),
        ("notes", {"said_at": None}),
        ("threads", {"name": "t", "turns": "three"}),
    ],
)
async def test_a_record_of_another_shape_stops_nothing_else(
    home: Settings, label: str, value: dict[str, Any]
) -> None:
    settings = home.model_copy(update={"model": "offline"})
    await fill(settings)
    async with open_memory(settings) as memory:
        store = memory.opened.store
        namespaces = await store.alist_namespaces(limit=1_000)
        for namespace in namespaces:
            if len(namespace) > 1 and namespace[1] == label:
                items = await store.asearch(namespace, limit=1)
                # An older version or another program wrote it: our own store refuses to.
                await store.items.aput(namespace, items[0].key, value, index=False)
                with pytest.raises(ValueError, match=r"this value lacks \w+, which has to be"):
                    await store.aput(namespace, items[0].key, value)
    async with open_memory(settings) as memory:
        await memory.threads(user_id="ada")
        await memory.facts(user_id="ada")
        await memory.search("Who keeps bees?", user_id="ada")
        assert [line async for line in memory.export(user_id="ada")]
        await say(memory, "ada", "t", "My boat is called Zed.")
        assert await damaged_records(memory.opened.store)


async def test_doctor_names_a_damaged_record_until_it_is_discarded(settings: Settings) -> None:
    await fill(settings)
    damage(settings, "messages", CONTENTS["not JSON"])
    records = await _check(settings, "records")
    assert not records["ok"]
    assert "of messages of the thread" in records["said"]
    assert CONTENT not in json.dumps(records)
    assert (await _check(settings, "records", discard=True))["ok"]
    assert (await _check(settings, "records"))["ok"]


async def test_damaged_records_are_erased_with_their_user(settings: Settings) -> None:
    await fill(settings)
    damage(settings, "messages", CONTENTS["not JSON"])
    async with open_memory(settings) as memory:
        assert await memory.opened.store.items.quarantine_damaged() == 1
        (sentence,) = await memory.damaged_records(user_id="ada")
        assert CONTENT not in sentence
        assert await memory.damaged_records(user_id="bob") == []
        receipt = await memory.forget(Target(kind="user"), verify=True, user_id="ada")
        assert receipt.found == []
        assert await memory.opened.store.asearch(DAMAGED) == []


@pytest.mark.parametrize(
    "value",
    [None, f'{{"secret"  "{KEY}"}}', '{"secret": "not hexadecimal"}', '{"secret": ""}', "[]"],
)
async def test_a_lost_key_of_the_users_is_never_made_anew(
    settings: Settings, value: str | None
) -> None:
    await fill(settings)
    with sqlite3.connect(settings.database) as conn:
        if value is None:
            conn.execute("DELETE FROM store WHERE key = 'secret'")
        else:
            conn.execute("UPDATE store SET value = ? WHERE key = 'secret'", (value,))
    conn.close()
    for _ in range(2):
        with pytest.raises(StorageFailed, match="key under which users are hashed") as caught:
            async with open_memory(settings) as memory:
                await say(memory, "ada", "t", "Hello.")
        assert KEY not in str(caught.value)
        assert caught.value.__cause__ is None
        assert not (await _check(settings, "items"))["ok"]


async def _check(settings: Settings, name: str, *, discard: bool = False) -> Any:
    results = [result async for result in run_checks(settings, discard=discard)]
    return next(result for result in results if result["check"] == name)
