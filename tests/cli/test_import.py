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
from threadkeep.cli.import_file import import_file, run_imports, skipped_lines
from threadkeep.stores.hybrid import open_store
from threadkeep.stores.namespaces import (
    all_messages_of,
    entities_of,
    facts_of,
    messages_of,
    thread_id,
    threads_of,
)
from threadkeep.stores.namespaces import user_key as key_of
from threadkeep.transfer.import_conversations import ImportResult

Items = dict[tuple[str, str], dict[str, Any]]
MESSAGES = [
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


def record(message: tuple[str, str, str], **changed: Any) -> dict[str, Any]:
    role, text, time = message
    return {"user": "ada", "thread": "home", "role": role, "text": text, "time": time} | changed


def jsonl(tmp_path: Path, records: Iterable[Any]) -> Path:
    path = tmp_path / "talk.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def many(count: int) -> list[dict[str, Any]]:
    """Return messages of three threads, some with equal texts."""
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
        items = await store.asearch((await key_of(store, user),), limit=10_000)
        return {("/".join(item.namespace), item.key): item.value for item in items}


async def messages_in(settings: Settings, user: str = "ada") -> list[dict[str, Any]]:
    async with open_store(settings) as store:
        items = await store.asearch(all_messages_of(await key_of(store, user)), limit=10_000)
        return sorted((item.value for item in items), key=lambda value: value["time"])


async def test_a_message_has_its_own_time_and_the_time_of_the_import(
    settings: Settings, tmp_path: Path
) -> None:
    await import_file(settings, jsonl(tmp_path, map(record, MESSAGES)), "jsonl")
    stored = await messages_in(settings)
    assert [(m["role"], m["text"], m["time"]) for m in stored] == MESSAGES
    assert {m["recorded_at"] for m in stored} == {"2025-01-01T00:00:00+00:00"}
    assert [m["position"] for m in stored] == [0, 1, 2]
    assert [m["before"] for m in stored] == ["", MESSAGES[0][1], MESSAGES[1][1]]


async def test_an_imported_thread_has_a_record_under_its_name(
    settings: Settings, tmp_path: Path
) -> None:
    await import_file(settings, jsonl(tmp_path, map(record, MESSAGES)), "jsonl")
    async with open_store(settings) as store:
        owner = await key_of(store, "ada")
        thread = thread_id(owner, "home")
        item = await store.aget(threads_of(owner), thread)
        messages = await store.asearch(messages_of(owner, thread), limit=10)
    assert item is not None
    assert len(messages) == 3
    expected = {"name": "home", "created": MESSAGES[0][2], "last_used": MESSAGES[2][2], "turns": 2}
    assert item.value.items() >= expected.items()


async def test_imported_messages_and_entities_are_searchable(
    settings: Settings, tmp_path: Path
) -> None:
    await import_file(settings, jsonl(tmp_path, map(record, MESSAGES)), "jsonl")
    async with open_store(settings) as store:
        owner = await key_of(store, "ada")
        items = await store.asearch(all_messages_of(owner), query="Where does Ingrid work?")
        entities = await store.asearch(entities_of(owner), limit=100)
    assert items[0].value["text"] == MESSAGES[2][1]
    assert any("Ingrid" in item.value["name"] for item in entities)


async def test_importing_twice_adds_nothing(settings: Settings, tmp_path: Path) -> None:
    path = jsonl(tmp_path, many(450))
    first = await import_file(settings, path, "jsonl")
    once = await items_of(settings, "ada")
    second = await import_file(settings, path, "jsonl")
    assert (first.messages, first.new) == (450, 450)
    assert (second.messages, second.new) == (450, 0)
    assert await items_of(settings, "ada") == once


@pytest.mark.parametrize(("chunks", "steps"), [(0, 3), (1, 0), (1, 5), (2, 20), (3, 1)])
async def test_an_interrupted_import_is_completed_by_repeating_it(
    settings: Settings, tmp_path: Path, chunks: int, steps: int
) -> None:
    path = jsonl(tmp_path, many(650))
    async with open_store(settings) as store:
        await key_of(store, "ada")
    stopped = Settings(home=tmp_path / "stopped")
    shutil.copytree(settings.home, stopped.home)

    reached = asyncio.Semaphore(0)
    work = asyncio.create_task(
        import_file(stopped, path, "jsonl", progress=lambda *_: reached.release())
    )
    for _ in range(chunks):
        await reached.acquire()
    for _ in range(steps):
        await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    stored = len(await messages_in(stopped))
    again = await import_file(stopped, path, "jsonl")
    await import_file(settings, path, "jsonl")

    assert chunks * 200 <= stored <= 650
    assert again.new == 650 - stored
    assert await items_of(stopped, "ada") == await items_of(settings, "ada")


async def test_a_malformed_line_is_reported_and_nothing_is_imported(
    settings: Settings, tmp_path: Path
) -> None:
    path = jsonl(
        tmp_path, [record(MESSAGES[0]), record(MESSAGES[1], role="bot"), record(MESSAGES[2])]
    )
    with pytest.raises(BadInput, match=r"1 malformed line; line 2: .*'bot'.*--skip-bad") as caught:
        await import_file(settings, path, "jsonl")
    assert "\n" not in str(caught.value)
    assert await items_of(settings, "ada") == {}


async def test_malformed_lines_can_be_skipped(settings: Settings, tmp_path: Path) -> None:
    path = jsonl(tmp_path, [3, *map(record, MESSAGES), *range(29)])
    result = await import_file(settings, path, "jsonl", skip_bad=True)
    lines = skipped_lines(result)
    assert (result.messages, result.new, result.skipped, len(lines)) == (3, 3, 30, 21)
    assert (lines[0][:8], lines[-1]) == ("line 1: ", "and 10 more")
    assert len(await messages_in(settings)) == 3


async def test_a_corrected_file_adds_only_the_corrected_line_in_order(
    settings: Settings, tmp_path: Path
) -> None:
    broken = [record(MESSAGES[0]), record(MESSAGES[1], time="?"), record(MESSAGES[2])]
    await import_file(settings, jsonl(tmp_path, broken), "jsonl", skip_bad=True)
    result = await import_file(settings, jsonl(tmp_path, map(record, MESSAGES)), "jsonl")
    stored = await messages_in(settings)
    assert result.new == 1
    assert [(m["text"], m["position"]) for m in stored] == [
        (text, place) for place, (_, text, _) in enumerate(MESSAGES)
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


async def test_two_equal_messages_are_both_imported(settings: Settings, tmp_path: Path) -> None:
    path = jsonl(tmp_path, [record(MESSAGES[0]), record(MESSAGES[0])])
    assert (await import_file(settings, path, "jsonl")).new == 2
    assert len(await messages_in(settings)) == 2


async def test_each_user_of_a_file_gets_only_their_messages(
    settings: Settings, tmp_path: Path
) -> None:
    path = jsonl(tmp_path, [record(MESSAGES[0]), record(MESSAGES[2], user="bo")])
    result = await import_file(settings, path, "jsonl")
    assert (result.users, result.threads) == (2, 2)
    assert [m["text"] for m in await messages_in(settings, "ada")] == [MESSAGES[0][1]]
    assert [m["text"] for m in await messages_in(settings, "bo")] == [MESSAGES[2][1]]


async def test_the_user_option_overrides_the_user_of_every_line(
    settings: Settings, tmp_path: Path
) -> None:
    path = jsonl(tmp_path, [record(MESSAGES[0]), record(MESSAGES[2], user="bo")])
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
    conversation = {"speaker_a": "Ada", "speaker_b": "Bo", "session_1": turns}
    conversation["session_1_date_time"] = "1:56 pm on 8 May, 2023"
    path.write_text(json.dumps([{"sample_id": "conv-1", "conversation": conversation}]))
    result = await import_file(settings, path, "locomo")
    stored = await messages_in(settings, "conv-1")
    assert result == ImportResult(messages=2, new=2, users=1, threads=1, skipped=0, faults=())
    assert [(m["source_id"], m["role"], m["name"], m["text"]) for m in stored] == [
        ("D1:1", "user", "Ada", "I bought a boat."),
        ("D1:2", "assistant", "Bo", "[shares a photo: a harbour]"),
    ]


async def test_progress_ends_at_the_total(settings: Settings, tmp_path: Path) -> None:
    progress: list[tuple[int, int]] = []
    path = jsonl(tmp_path, many(250))
    await import_file(settings, path, "jsonl", progress=lambda *counts: progress.append(counts))
    assert progress[:2] == [(200, 250), (250, 250)]
    assert progress[-1][0] == progress[-1][1]


def test_the_command_prints_the_result_and_the_skipped_lines(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = jsonl(tmp_path, [record(MESSAGES[0]), record(MESSAGES[1], role="bot")])
    run_imports(settings, [path], "jsonl", user=None, thread=None, skip_bad=True, again=False)
    out, err = capsys.readouterr()
    assert out == "1 message of 1 user in 1 thread, 1 of them new.\n"
    assert err.startswith("threadkeep: Left out line 2: The role 'bot' is not allowed;")
    assert err.count("\n") == 1


def test_an_interrupted_command_keeps_stored_batches_and_says_so(
    settings: Settings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(*_: int) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(
        "threadkeep.cli.import_file.open_progress", lambda _: nullcontext(interrupt)
    )
    path = jsonl(tmp_path, many(650))
    with pytest.raises(KeyboardInterrupt):
        run_imports(settings, [path], "jsonl", user=None, thread=None, skip_bad=False, again=False)
    assert "import the file again for the rest" in capsys.readouterr().err
    assert len(asyncio.run(messages_in(settings))) >= 200


@pytest.mark.parametrize(
    ("time", "zone", "day"),
    [
        ("2026-03-04T06:30:00+08:00", "UTC", "2026-03-03"),
        ("2026-03-03T22:30:00Z", "Asia/Shanghai", "2026-03-03"),
        ("2026-03-04T06:30:00", "Asia/Shanghai", "2026-03-03"),
        ("2026-03-03T20:00:00-08:00", "Europe/Oslo", "2026-03-02"),
        ("2026-03-04T04:00:00Z", "America/Los_Angeles", "2026-03-02"),
        (1772596800, "America/Los_Angeles", "2026-03-02"),
    ],
)
async def test_yesterday_counts_from_the_day_of_the_speaker(
    tmp_path: Path, time: str | int, zone: str, day: str
) -> None:
    settings = Settings(home=tmp_path / "home", time_zone=zone)
    line = record(("user", "Yesterday I moved to Lisbon.", ""), time=time)
    await import_file(settings, jsonl(tmp_path, [line]), "jsonl")
    async with open_store(settings) as store:
        facts = await store.asearch(facts_of(await key_of(store, "ada")))
    assert f"user moved to Lisbon ({day})" in [fact.value["text"] for fact in facts]
