"""Conversations that are imported again: renamed, grown, edited, forgotten."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from threadkeep import Settings, Target, open_memory
from threadkeep.memory import Memory
from threadkeep.transfer.import_conversations import ImportResult
from threadkeep.transfer.importers.detect import detect_format
from threadkeep.transfer.importers.reader import read_conversations

START = 1_735_689_600
HELLO = ["Hello there.", "Hi!"]
Branch = list[str]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", probe=False)


def chatgpt(
    current: Branch, *others: Branch, id_: str | None = "c1", title: str = "Party"
) -> dict[str, Any]:
    """Return a conversation with some branches; equal beginnings are shared."""
    mapping: dict[str, Any] = {"root": {"id": "root", "message": None, "parent": None}}
    leaf = "root"
    for branch in (*others, current):
        leaf = "root"
        for number, text in enumerate(branch):
            key = "/".join(branch[: number + 1])
            message = {
                "id": key,
                "author": {"role": "assistant" if number % 2 else "user"},
                "create_time": START + 60 * len(mapping),
                "content": {"content_type": "text", "parts": [text]},
            }
            mapping.setdefault(key, {"id": key, "parent": leaf, "message": message})
            leaf = key
    record = {"title": title, "create_time": START, "mapping": mapping, "current_node": leaf}
    return record | ({"conversation_id": id_, "id": id_} if id_ else {})


async def take_in(
    memory: Memory, folder: Path, value: Any, *, name: str = "file.json", again: bool = False
) -> ImportResult:
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    transcript = read_conversations(path, detect_format(path), user_id="ada")
    return await memory.import_conversations(transcript, again=again)


async def threads(memory: Memory) -> dict[str, list[str]]:
    """Return the texts of each thread by its name."""
    rows = await memory.threads(user_id="ada")
    return {
        str(row["name"]): [
            str(message["text"]) for message in await memory.messages(row["name"], user_id="ada")
        ]
        for row in rows
    }


def lines(texts: Iterable[str], thread: str = "t") -> str:
    return "".join(
        json.dumps(
            {
                "user": "ada",
                "thread": thread,
                "role": "user",
                "text": text,
                "time": START + number,
            }
        )
        + "\n"
        for number, text in enumerate(texts)
    )


async def test_a_conversation_is_recognised_by_its_id(settings: Settings, tmp_path: Path) -> None:
    async with open_memory(settings, model="offline") as memory:
        await take_in(memory, tmp_path, [chatgpt(HELLO)])
        renamed = await take_in(memory, tmp_path, [chatgpt(HELLO, title="Feast")])
        grown = await take_in(memory, tmp_path, [chatgpt([*HELLO, "More."], title="Gala")])
        assert (renamed.new, grown.new) == (0, 1)
        assert await threads(memory) == {"Party": [*HELLO, "More."]}


async def test_conversations_of_one_title_are_separate_threads(
    settings: Settings, tmp_path: Path
) -> None:
    async with open_memory(settings, model="offline") as memory:
        turn = await memory.say("A chat.", thread="Party", user_id="ada")
        await turn.finished()
        chat = (await threads(memory))["Party"]
        for _ in range(2):
            await take_in(memory, tmp_path, [chatgpt(["One."], id_="c1")])
            await take_in(memory, tmp_path, [chatgpt(["Two."], id_="c2")])
            await take_in(memory, tmp_path, [chatgpt(["Three."], id_=None)])
            await take_in(memory, tmp_path, [{"role": "user", "content": "4"}], name="Party.json")
            await take_in(memory, tmp_path, lines(["Five."], "Party"))
        assert await threads(memory) == {
            "Party": chat,
            "Party (2)": ["One."],
            "Party (3)": ["Two."],
            "Party (4)": ["Three."],
            "Party (5)": ["4"],
            "Party (6)": ["Five."],
        }


OLD, NEW = [*HELLO, "900 euros.", "Noted 900."], [*HELLO, "1200 euros.", "Noted 1200."]
ROOT_OLD, ROOT_NEW = ["Budget 900."], ["Budget 1200."]


@pytest.mark.parametrize(("old", "new"), [(OLD, NEW), (ROOT_OLD, ROOT_NEW)])
@pytest.mark.parametrize("is_newest_first", [False, True])
async def test_a_thread_is_the_branch_of_the_newest_export(
    settings: Settings, tmp_path: Path, old: Branch, new: Branch, is_newest_first: bool
) -> None:
    exports = [chatgpt(old), chatgpt(new, old)]
    async with open_memory(settings, model="offline") as memory:
        for export in exports[::-1] if is_newest_first else exports:
            await take_in(memory, tmp_path, [export])
        assert await threads(memory) == {"Party": new}
        rows = await memory.search("900", user_id="ada")
        assert not [row for row in rows if "900" in row["text"]]
        assert (await take_in(memory, tmp_path, [exports[1]])).new == 0
        back = chatgpt([*old, "Stay."], new)
        await take_in(memory, tmp_path, [back])
        assert await threads(memory) == {"Party": [*old, "Stay."]}


async def test_what_was_written_here_stays_behind_what_is_imported(
    settings: Settings, tmp_path: Path
) -> None:
    async with open_memory(settings, model="offline") as memory:
        await take_in(memory, tmp_path, [chatgpt(HELLO)])
        turn = await memory.say("Written here.", thread="Party", user_id="ada")
        await turn.finished()
        live = (await threads(memory))["Party"][2:]
        await take_in(memory, tmp_path, [chatgpt([*HELLO, "More.", "Fine."])])
        assert (await threads(memory))["Party"] == [*HELLO, "More.", "Fine.", *live]
        turn = await memory.say("And again.", thread="Party", user_id="ada")
        await turn.finished()
        texts = (await threads(memory))["Party"]
        assert texts[: 4 + len(live)] == [*HELLO, "More.", "Fine.", *live]
        assert "And again." in texts[4 + len(live) :]


async def test_files_of_one_thread_are_merged_by_time(settings: Settings, tmp_path: Path) -> None:
    texts = [f"Line {number}." for number in range(9)]
    whole = lines(texts).splitlines(keepends=True)
    async with open_memory(settings, model="offline") as memory:
        for part in (whole[6:], whole[:3], whole[3:6], whole):
            await take_in(memory, tmp_path, "".join(part), name="part.jsonl")
        assert await threads(memory) == {"t": texts}
        (row,) = await memory.threads(user_id="ada")
        assert row["turns"] == 9


async def test_what_was_forgotten_stays_out_unless_it_is_wanted_again(
    settings: Settings, tmp_path: Path
) -> None:
    branch = ["We fly to Oslo.", "Noted.", "We stay a week.", "Fine."]
    copy = lines(["We fly to Oslo.", "Else."])
    async with open_memory(settings, model="offline") as memory:
        await take_in(memory, tmp_path, [chatgpt(branch)])
        first = (await memory.messages("Party", user_id="ada"))[0]
        await memory.forget(Target(kind="message", name=first["id"]), user_id="ada")
        result = await take_in(memory, tmp_path, [chatgpt(branch)])
        assert (result.new, result.forgotten) == (0, 2)
        other_id = await take_in(memory, tmp_path, [chatgpt(branch, id_="c2", title="Copy")])
        assert other_id.forgotten == 2
        assert (await take_in(memory, tmp_path, copy)).new == 2  # Another time: said anew.
        assert (await threads(memory))["Party"] == branch[2:]
        await take_in(memory, tmp_path, [chatgpt(branch)], again=True)
        assert (await threads(memory))["Party"] == branch
        assert (await take_in(memory, tmp_path, [chatgpt(branch)])).forgotten == 0


async def test_a_thread_and_a_user_that_were_forgotten_stay_out(
    settings: Settings, tmp_path: Path
) -> None:
    async with open_memory(settings, model="offline") as memory:
        await take_in(memory, tmp_path, [chatgpt(HELLO)])
        await take_in(memory, tmp_path, lines(HELLO))
        await memory.delete_thread("Party", user_id="ada")
        await memory.delete_thread("t", user_id="ada")
        renamed = await take_in(memory, tmp_path, [chatgpt(HELLO, title="Feast")])
        assert (renamed.new, renamed.forgotten) == (0, 2)
        assert (await take_in(memory, tmp_path, lines(HELLO))).forgotten == 2
        assert (await take_in(memory, tmp_path, lines(HELLO, "other"))).new == 2
        assert list(await threads(memory)) == ["other"]
        await memory.forget(Target(kind="user"), user_id="ada")
        export = [chatgpt(HELLO, id_="never seen")]
        assert (await take_in(memory, tmp_path, export)).forgotten == 2
        assert (await take_in(memory, tmp_path, export, again=True)).new == 2


async def test_what_was_forgotten_stays_out_of_a_restore(
    settings: Settings, tmp_path: Path
) -> None:
    async with open_memory(settings, model="offline") as memory:
        for text in ("My cat is Pixel.", "I live in Oslo."):
            turn = await memory.say(text, thread="home", user_id="ada")
            await turn.finished()
        turn = await memory.say("A secret plan.", thread="plan", user_id="ada")
        await turn.finished()
        path = tmp_path / "export.jsonl"
        path.write_text("".join([line async for line in memory.export(user_id="ada")]))
        first = (await memory.messages("home", user_id="ada"))[0]
        await memory.forget(Target(kind="message", name=first["id"]), user_id="ada")
        await memory.delete_thread("plan", user_id="ada")
        with path.open("rb") as file:
            result = await memory.restore(file, user_id="ada")
            assert result.new == 0
            assert result.forgotten >= 3
            assert "plan" not in await threads(memory)
            assert "My cat is Pixel." not in (await threads(memory))["home"]
            await memory.restore(file, user_id="ada", again=True)
            assert "My cat is Pixel." in (await threads(memory))["home"]
            assert "A secret plan." in (await threads(memory))["plan"]


async def test_a_thread_that_expired_stays_out(settings: Settings, tmp_path: Path) -> None:
    short = settings.model_copy(update={"ttl_minutes": 0.0001})
    async with open_memory(short) as memory:
        await take_in(memory, tmp_path, [chatgpt(HELLO)])
    async with open_memory(settings, model="offline") as memory:
        await memory.opened.store.sweep()
        assert await threads(memory) == {}
        assert (await take_in(memory, tmp_path, [chatgpt(HELLO)])).forgotten == 2
