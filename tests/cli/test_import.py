import asyncio
import json
import shutil
import signal
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.cli.import_file import import_file, run_import, skipped_lines
from threadkeep.stores.hybrid import open_store
from threadkeep.stores.namespaces import (
    all_messages_of,
    entities_of,
    messages_of,
    thread_id,
    threads_of,
)
from threadkeep.stores.namespaces import user_key as key_of
from threadkeep.transfer.import_conversations import ImportResult

Items = dict[tuple[str, str], dict[str, Any]]
SAID = [
    ("user", "I live in Bergen.", "2024-05-01T10:00:00+00:00"),
    ("assistant", "Lovely, by the sea!", "2024-05-01T10:01:00+00:00"),
    ("user", "My sister Ingrid works at Equinor.", "2024-05-01T10:02:00+00:00"),
]


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREADKEEP_NOW", "2025-01-01T00:00:00+00:00")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def record(said: tuple[str, str, str], **changed: Any) -> dict[str, Any]:
    role, text, time = said
    return {"user": "ada", "thread": "home", "role": role, "text": text, "time": time} | changed


def jsonl(tmp_path: Path, records: Iterable[Any]) -> Path:
    path = tmp_path / "talk.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in records))
    return path


def many(count: int) -> list[dict[str, Any]]:
    """Three threads, told in turns, with the same words now and then."""
    return [
        record(
            (
                "user" if n % 2 else "assistant",
                f"Number {n % 97} is Ann's.",
                f"2024-01-{1 + n % 28:02}",
            ),
            thread=f"thread {n % 3}",
        )
        for n in range(count)
    ]


async def items_of(settings: Settings, user: str) -> Items:
    async with open_store(settings) as store:
        found = await store.asearch((await key_of(store, user),), limit=10_000)
        return {("/".join(item.namespace), item.key): item.value for item in found}


async def messages_in(settings: Settings, user: str = "ada") -> list[dict[str, Any]]:
    async with open_store(settings) as store:
        found = await store.asearch(all_messages_of(await key_of(store, user)), limit=10_000)
        return sorted((item.value for item in found), key=lambda value: value["time"])


async def test_when_it_was_said_is_kept_apart_from_when_it_was_imported(
    settings: Settings, tmp_path: Path
) -> None:
    await import_file(settings, jsonl(tmp_path, map(record, SAID)), "jsonl")
    stored = await messages_in(settings)
    assert [(m["role"], m["text"], m["time"]) for m in stored] == SAID
    assert {m["recorded_at"] for m in stored} == {"2025-01-01T00:00:00+00:00"}
    assert [m["position"] for m in stored] == [0, 1, 2]
    assert [m["before"] for m in stored] == ["", SAID[0][1], SAID[1][1]]


async def test_an_imported_thread_has_a_record_under_its_name(
    settings: Settings, tmp_path: Path
) -> None:
    await import_file(settings, jsonl(tmp_path, map(record, SAID)), "jsonl")
    async with open_store(settings) as store:
        owner = await key_of(store, "ada")
        thread = thread_id(owner, "home")
        item = await store.aget(threads_of(owner), thread)
        said = await store.asearch(messages_of(owner, thread), limit=10)
    assert item is not None
    assert len(said) == 3
    expected = {"name": "home", "created": SAID[0][2], "last_used": SAID[2][2], "turns": 2}
    assert item.value.items() >= expected.items()


async def test_what_was_imported_is_found_by_its_words_and_its_entities_are_known(
    settings: Settings, tmp_path: Path
) -> None:
    await import_file(settings, jsonl(tmp_path, map(record, SAID)), "jsonl")
    async with open_store(settings) as store:
        owner = await key_of(store, "ada")
        found = await store.asearch(all_messages_of(owner), query="Where does Ingrid work?")
        known = await store.asearch(entities_of(owner), limit=100)
    assert found[0].value["text"] == SAID[2][1]
    assert any("Ingrid" in item.value["name"] for item in known)


async def test_importing_twice_adds_nothing(settings: Settings, tmp_path: Path) -> None:
    path = jsonl(tmp_path, many(450))
    first = await import_file(settings, path, "jsonl")
    once = await items_of(settings, "ada")
    second = await import_file(settings, path, "jsonl")
    assert (first.messages, first.new) == (450, 450)
    assert (second.messages, second.new) == (450, 0)
    assert await items_of(settings, "ada") == once


@pytest.mark.parametrize(("chunks", "steps"), [(0, 3), (1, 0), (1, 5), (2, 20), (3, 1)])
async def test_stopping_halfway_and_importing_again_is_as_one_import(
    settings: Settings, tmp_path: Path, chunks: int, steps: int
) -> None:
    path = jsonl(tmp_path, many(650))
    async with open_store(settings) as store:
        await key_of(store, "ada")
    stopped = Settings(home=tmp_path / "stopped")
    shutil.copytree(settings.home, stopped.home)

    gone_in = asyncio.Semaphore(0)
    work = asyncio.create_task(
        import_file(stopped, path, "jsonl", progress=lambda *_: gone_in.release())
    )
    for _ in range(chunks):
        await gone_in.acquire()
    for _ in range(steps):
        await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    kept = len(await messages_in(stopped))
    again = await import_file(stopped, path, "jsonl")
    await import_file(settings, path, "jsonl")

    assert chunks * 200 <= kept <= 650
    assert again.new == 650 - kept
    assert await items_of(stopped, "ada") == await items_of(settings, "ada")


async def test_a_malformed_line_stops_everything_with_its_number(
    settings: Settings, tmp_path: Path
) -> None:
    path = jsonl(tmp_path, [record(SAID[0]), record(SAID[1], role="bot"), record(SAID[2])])
    with pytest.raises(BadInput, match=r"1 malformed line; line 2: .*'bot'.*--skip-bad") as caught:
        await import_file(settings, path, "jsonl")
    assert "\n" not in str(caught.value)
    assert await items_of(settings, "ada") == {}


async def test_the_rest_of_a_malformed_file_goes_in_when_asked(
    settings: Settings, tmp_path: Path
) -> None:
    path = jsonl(tmp_path, [3, *map(record, SAID), *range(29)])
    done = await import_file(settings, path, "jsonl", skip_bad=True)
    told = skipped_lines(done)
    assert (done.messages, done.new, done.skipped, len(told)) == (3, 3, 30, 21)
    assert (told[0][:8], told[-1]) == ("line 1: ", "and 10 more")
    assert len(await messages_in(settings)) == 3


async def test_importing_a_mended_file_adds_only_the_mended_line_and_puts_all_in_order(
    settings: Settings, tmp_path: Path
) -> None:
    broken = [record(SAID[0]), record(SAID[1], time="?"), record(SAID[2])]
    await import_file(settings, jsonl(tmp_path, broken), "jsonl", skip_bad=True)
    done = await import_file(settings, jsonl(tmp_path, map(record, SAID)), "jsonl")
    stored = await messages_in(settings)
    assert done.new == 1
    assert [(m["text"], m["position"]) for m in stored] == [
        (text, place) for place, (_, text, _) in enumerate(SAID)
    ]


@pytest.mark.parametrize("skip_bad", [False, True])
@pytest.mark.parametrize(
    ("text", "why"), [("", "no messages"), ("\n\n", "no messages"), ("[", "line 1")]
)
async def test_a_file_without_any_message_is_refused(
    settings: Settings, tmp_path: Path, text: str, why: str, skip_bad: bool
) -> None:
    path = tmp_path / "talk.jsonl"
    path.write_text(text)
    with pytest.raises(BadInput, match=why):
        await import_file(settings, path, "jsonl", skip_bad=skip_bad)


async def test_the_same_words_twice_in_a_minute_are_two_messages(
    settings: Settings, tmp_path: Path
) -> None:
    path = jsonl(tmp_path, [record(SAID[0]), record(SAID[0])])
    assert (await import_file(settings, path, "jsonl")).new == 2
    assert len(await messages_in(settings)) == 2


async def test_each_user_of_a_file_gets_only_their_own(settings: Settings, tmp_path: Path) -> None:
    path = jsonl(tmp_path, [record(SAID[0]), record(SAID[2], user="bo")])
    done = await import_file(settings, path, "jsonl")
    assert (done.users, done.threads) == (2, 2)
    assert [m["text"] for m in await messages_in(settings, "ada")] == [SAID[0][1]]
    assert [m["text"] for m in await messages_in(settings, "bo")] == [SAID[2][1]]


async def test_the_user_of_the_command_gets_every_line(settings: Settings, tmp_path: Path) -> None:
    path = jsonl(tmp_path, [record(SAID[0]), record(SAID[2], user="bo")])
    await import_file(settings, path, "jsonl", user="cy")
    assert await messages_in(settings, "ada") == await messages_in(settings, "bo") == []
    assert len(await messages_in(settings, "cy")) == 2


async def test_locomo_turns_keep_their_speaker_and_their_id(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "talks.json"
    turns = [
        {"speaker": "Ada", "dia_id": "D1:1", "text": "I bought a boat."},
        {"speaker": "Bo", "dia_id": "D1:2", "text": "", "blip_caption": "a harbour"},
    ]
    said = {"speaker_a": "Ada", "speaker_b": "Bo", "session_1": turns}
    said["session_1_date_time"] = "1:56 pm on 8 May, 2023"
    path.write_text(json.dumps([{"sample_id": "conv-1", "conversation": said}]))
    done = await import_file(settings, path, "locomo")
    stored = await messages_in(settings, "conv-1")
    assert done == ImportResult(messages=2, new=2, users=1, threads=1, skipped=0, faults=())
    assert [(m["source_id"], m["role"], m["name"], m["text"]) for m in stored] == [
        ("D1:1", "user", "Ada", "I bought a boat."),
        ("D1:2", "assistant", "Bo", "[shares a photo: a harbour]"),
    ]


async def test_progress_ends_at_the_whole(settings: Settings, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = jsonl(tmp_path, many(250))
    await import_file(settings, path, "jsonl", progress=lambda *now: told.append(now))
    assert told[:2] == [(200, 250), (250, 250)]
    assert told[-1][0] == told[-1][1]


def test_the_command_says_what_went_in_and_names_what_it_left_out(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = jsonl(tmp_path, [record(SAID[0]), record(SAID[1], role="bot")])
    run_import(settings, path, "jsonl", user=None, skip_bad=True)
    out, err = capsys.readouterr()
    assert out == "1 message of 1 user in 1 thread, 1 of them new.\n"
    assert err.startswith("threadkeep: Left out line 2: The role 'bot' is not allowed;")
    assert err.count("\n") == 1


def test_interrupting_the_command_keeps_what_went_in_and_says_so(
    settings: Settings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(*_: int) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("threadkeep.cli.import_file.open_bar", lambda: nullcontext(interrupt))
    path = jsonl(tmp_path, many(650))
    with pytest.raises(KeyboardInterrupt):
        run_import(settings, path, "jsonl", user=None, skip_bad=False)
    assert "import the file again for the rest" in capsys.readouterr().err
    assert len(asyncio.run(messages_in(settings))) >= 200
