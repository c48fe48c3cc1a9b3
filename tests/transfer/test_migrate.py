"""A migrated database has the same items, owners, threads and checkpoints as the original."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.backends import fresh_database
from threadkeep.base.database_url import parse_database
from threadkeep.base.errors import AccessRefused, BadInput
from threadkeep.base.settings import Settings
from threadkeep.cli.migrate import migrate_one, run_migrate
from threadkeep.memory import open_memory
from threadkeep.stores.indexing import Progress
from threadkeep.stores.namespaces import SECRET, thread_id, user_key
from threadkeep.stores.pages import items_in, list_namespaces
from threadkeep.transfer.migrate import MigrateResult, migrate_database, validate_databases
from threadkeep.transfer.restore import RestoreResult

PAIRS = [
    ("sqlite", "postgres"),
    ("postgres", "sqlite"),
    ("sqlite", "redis"),
    ("redis", "postgres"),
    ("sqlite", "sqlite"),
]
TURNS = [
    ("ada", "trip", "I live in Bergen."),
    ("ada", "trip", "I moved to Oslo."),
    ("bob", "trip", "The vault opens with tulip-4711."),
]


@asynccontextmanager
async def databases(pair: tuple[str, str], tmp_path: Path) -> AsyncIterator[list[Settings]]:
    async with fresh_database(pair[0]) as first, fresh_database(pair[1]) as second:
        yield [
            Settings(home=tmp_path / "home", model="offline", checkpoints=parse_database(url))
            for url in (first, second)
        ]


async def say(settings: Settings, *turns: tuple[str, str, str]) -> list[str]:
    replies = []
    async with open_memory(settings) as memory:
        for user, thread, text in turns:
            turn = await memory.say(text, thread=thread, context={"model": "offline"}, user_id=user)
            await turn.finished()
            replies.append(turn.reply)
    return replies


async def all_items(settings: Settings) -> dict[Any, Any]:
    async with open_memory(settings) as memory:
        return {
            (namespace, item.key): item.value
            for namespace in await list_namespaces(memory.opened.store)
            if namespace != SECRET[0]
            async for item in items_in(memory.opened.store, namespace)
        }


async def migrate_all(
    source: Settings, target: Settings, progress: Progress | None = None
) -> MigrateResult:
    async with open_memory(source) as memory:
        return await migrate_database(memory.opened, target, progress=progress)


async def migrate_ada(source: Settings, target: Settings) -> RestoreResult:
    async with open_memory(source) as memory:
        return await migrate_one(memory, target, "ada")


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
async def test_all_users_continue_in_the_new_database(
    pair: tuple[str, str], tmp_path: Path
) -> None:
    async with databases(pair, tmp_path) as (old, new):
        await say(old, *TURNS)
        before = await all_items(old)
        progress: list[tuple[int, int]] = []
        result = await migrate_all(old, new, lambda *now: progress.append(now))
        assert progress[-1][0] == progress[-1][1]
        assert result.threads >= 2
        assert await all_items(new) == before
        async with open_memory(new) as memory:
            owner = await user_key(memory.opened.store, "ada")
            config: Any = {"configurable": {"thread_id": thread_id(owner, "trip")}}
            config["configurable"]["user_id"] = "bob"
            with pytest.raises(AccessRefused):
                await memory.graph.aget_state(config)
            config["configurable"]["user_id"] = "ada"
            history = [snapshot async for snapshot in memory.graph.aget_state_history(config)]
            assert len(history) > 5
            assert len(history[0].values["messages"]) == 4
            assert not history[0].next
        questions = ("ada", "trip", "Where do I live?"), ("bob", "new", "What opens the vault?")
        replies = await say(new, *questions)
        assert "Oslo" in replies[0]
        assert "tulip-4711" in replies[1]


async def test_migrating_again_does_not_undo_changes_and_erasures(tmp_path: Path) -> None:
    async with databases(("sqlite", "postgres"), tmp_path) as (old, new):
        await say(old, *TURNS)
        await migrate_all(old, new)
        await say(new, ("ada", "trip", "I moved to Turku."))
        async with open_memory(new) as memory:
            await memory.delete_thread("trip", user_id="bob")
        before = await all_items(new)
        result = await migrate_all(old, new)
        assert result.completed_at
        assert await all_items(new) == before


async def test_an_interrupted_migration_is_completed_by_repeating_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("threadkeep.stores.pages.PAGE", 2)
    async with databases(("sqlite", "sqlite"), tmp_path) as (old, new):
        await say(old, *TURNS)
        for steps in (1, 5, 9):
            reached, remaining = asyncio.Event(), iter(range(1, steps))

            def progress(
                *_: int, remaining: Any = remaining, reached: asyncio.Event = reached
            ) -> None:
                if next(remaining, None) is None:
                    reached.set()

            work = asyncio.create_task(migrate_all(old, new, progress))
            await reached.wait()
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        async with open_memory(old) as memory:
            await memory.delete_thread("trip", user_id="bob")
        await migrate_all(old, new)
        assert await all_items(new) == await all_items(old)
        assert "Oslo" in (await say(new, ("ada", "trip", "Where do I live?")))[0]


async def test_a_database_with_memory_is_refused_and_unchanged(tmp_path: Path) -> None:
    async with databases(("sqlite", "sqlite"), tmp_path) as (old, new):
        await say(old, *TURNS)
        await say(new, ("eve", "hers", "I keep bees."))
        before = await all_items(new)
        with pytest.raises(BadInput, match=r"holds memory already.*--user"):
            await migrate_all(old, new)
        assert await all_items(new) == before


async def test_one_user_is_added_to_another_database(tmp_path: Path) -> None:
    async with databases(("sqlite", "postgres"), tmp_path) as (old, new):
        await say(old, *TURNS)
        await say(new, ("eve", "trip", "I keep bees."))
        for count in (4, 0):
            result = await migrate_ada(old, new)
            assert (result.messages, result.new) == (4, count)
        questions = [(user, "trip", "Where do I live?") for user in ("ada", "bob", "eve")]
        replies = await say(new, *questions)
        assert ["Oslo" in reply for reply in replies] == [True, False, False]


def test_the_command_prints_the_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    urls = [f"sqlite:///{tmp_path}/{name}.sqlite" for name in ("old", "new", "third")]
    old, new, third = (
        Settings(home=tmp_path / "home", checkpoints=parse_database(url)) for url in urls
    )
    asyncio.run(say(old, *TURNS))
    for settings, user in ((new, None), (new, None), (third, "ada")):
        run_migrate(old, settings, user)
    first, again, one = capsys.readouterr().out.splitlines()
    assert first.endswith(f"were copied to {tmp_path}/new.sqlite.")
    assert again.startswith("Everything was copied on 2")
    assert one == "4 messages in 1 thread, 4 of them new."


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("sqlite:////tmp/a", "sqlite:////tmp/a", "the same database"),
        ("sqlite:////tmp/a", "memory://", "ends with this process"),
        ("memory://", "sqlite:////tmp/a", "ends with this process"),
    ],
)
def test_equal_and_in_memory_databases_are_refused(
    old: str, new: str, reason: str, tmp_path: Path
) -> None:
    source, target = (Settings(home=tmp_path, checkpoints=parse_database(u)) for u in (old, new))
    with pytest.raises(BadInput, match=reason):
        validate_databases(source, target)
