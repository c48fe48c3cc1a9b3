"""What an older version wrote is all there for this one, and what a newer one wrote is refused."""

import json
import sqlite3
import subprocess
import sys
from typing import Any

import psycopg
import pytest

from tests.compatibility.conftest import OldData
from tests.compatibility.make_data import FOLDER, FORGOTTEN, LONG_TALK
from threadkeep.base.settings import Settings
from threadkeep.base.user import acting_as
from threadkeep.checkpoints.savers import open_checkpointer
from threadkeep.cli import app
from threadkeep.graph.agent import builder
from threadkeep.stores import postgres_schema, sqlite_database
from threadkeep.stores.hybrid import open_store
from threadkeep.stores.namespaces import messages_of, user_key

THREADKEEP = [sys.executable, "-c", "from threadkeep.cli.app import main; main()"]


def run_process(data: OldData, *args: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    process = subprocess.run(
        [*THREADKEEP, *args],
        env=data.process_env(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert process.returncode == code, (process.stdout, process.stderr)
    return process


NEW_FIELDS = {"fact": ("status",), "header": ("version",), "end": ("sha256",)}
"""What rows of a kind have today, or have otherwise."""


def expected_outputs(data: OldData) -> dict[tuple[str, ...], str]:
    commands = json.loads((FOLDER / f"{data.kind}.json").read_text())
    return {tuple(item["command"]): item["stdout"] for item in commands}


def comparable(command: tuple[str, ...], stdout: str) -> Any:
    """Return an output as it is compared: without new fields and scores."""
    if not stdout.startswith("{"):
        return stdout
    rows = [json.loads(line) for line in stdout.splitlines()]
    for row in rows:
        for field in NEW_FIELDS.get(str(row.get("kind")), ()):
            row.pop(field, None)
        row.pop("score", None)
    return rows


def check_output(command: tuple[str, ...], printed: str, expected: str) -> None:
    """Assert that an output is the same; of a search, that the best statement is there as it was.

    How results are ranked is not stored, and differs between versions.
    """
    now, before = comparable(command, printed), comparable(command, expected)
    if command[:2] != ("memory", "search"):
        assert now == before, command
        return
    assert bool(now) == bool(before), command
    rows = {(row["id"], row.get("thread")): row for row in now}
    statements = [row for row in before if row.get("role") == "user" and "?" not in row["text"]]
    for row in statements[:1]:
        assert rows[row["id"], row.get("thread")] == row, command


def test_every_command_prints_what_the_older_version_printed(
    old_data: OldData, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = expected_outputs(old_data)
    assert len(expected) > 30
    with old_data.environment():
        for command, stdout in expected.items():
            monkeypatch.setattr(sys, "argv", ["threadkeep", *command])
            with pytest.raises(SystemExit) as end:
                app.main()
            assert not end.value.code, command
            printed = capsys.readouterr().out
            check_output(command, printed, stdout)


def test_each_users_export_is_the_same_from_a_process_of_its_own(old_data: OldData) -> None:
    expected = expected_outputs(old_data)
    for user in ("ada", "bob"):
        command = ("export", "-u", user)
        printed = run_process(old_data, *command).stdout
        assert comparable(command, printed) == comparable(command, expected[command])


async def test_the_library_reads_the_state_the_messages_and_the_history(old_data: OldData) -> None:
    expected = expected_outputs(old_data)
    threads = map(json.loads, expected["threads", "list", "-u", "ada", "--json"].splitlines())
    (thread,) = [thread["id"] for thread in threads if thread["name"] == "concert"]
    with old_data.environment():
        settings = Settings()
    database = settings.checkpoint_database
    async with open_store(settings) as store, open_checkpointer(database) as saver:
        graph = builder.compile(checkpointer=saver, store=store)
        config: Any = {"configurable": {"thread_id": thread, "user_id": "ada"}}
        with acting_as("ada"):
            state = (await graph.aget_state(config)).values
            namespace = messages_of(await user_key(store, "ada"), thread)
            messages = await store.asearch(namespace, limit=100)
    assert state["messages"][-2].text == LONG_TALK[-1]
    assert "Novak" in state["summary"]
    texts = {message.value["text"] for message in messages}
    assert set(LONG_TALK) <= texts


def test_a_thread_goes_on_with_its_summary_and_memory_with_the_user(old_data: OldData) -> None:
    thread = ("concert", "-u", "ada")
    before = run_process(old_data, "threads", "show", *thread).stdout.splitlines()
    question = "Who is Tom's teacher?"
    reply = json.loads(
        run_process(old_data, "ask", "-u", "ada", "-t", "concert", question, "--json").stdout
    )
    assert "Novak" in reply["reply"]
    after = run_process(old_data, "threads", "show", *thread).stdout.splitlines()
    assert after[: len(before)] == before
    assert len(after) == len(before) + 2
    assert "<summary>" in run_process(old_data, "threads", "prompt", *thread).stdout
    ask = ("ask", "-t", "another", "Where does Miriam live?", "-u")
    assert "Porto" in run_process(old_data, *ask, "ada").stdout
    assert "Porto" not in run_process(old_data, *ask, "bob").stdout


def test_a_turn_that_was_cut_off_is_finished(old_data: OldData) -> None:
    process = run_process(
        old_data, "ask", "-u", "carol", "-t", "second", "Where does my sister live?"
    )
    assert "thread 'first' is finished now" in process.stderr
    assert "Lisbon" in process.stdout
    assert (
        len(run_process(old_data, "threads", "show", "first", "-u", "carol").stdout.splitlines())
        == 2
    )


def test_indexes_are_sound_can_be_rebuilt_and_know_nothing_forgotten(old_data: OldData) -> None:
    assert run_process(old_data, "doctor", "--reindex").returncode == 0
    command = ("memory", "search", "sister", "-n", "4", "-u", "ada", "--json")
    expected = expected_outputs(old_data)[command]
    check_output(command, run_process(old_data, *command).stdout, expected)
    for path in old_data.home.rglob("*"):
        assert path.is_dir() or FORGOTTEN.encode() not in path.read_bytes()


async def raise_version(data: OldData) -> tuple[int, int]:
    """Give the data the version after the current one; return both, the newer first."""
    if data.url is None:
        version = sqlite_database.VERSION
        with sqlite3.connect(data.home / "threadkeep.sqlite") as database:
            database.execute(f"PRAGMA user_version = {version + 1}")
        database.close()
    else:
        version = postgres_schema.VERSION
        async with await psycopg.AsyncConnection.connect(data.url, autocommit=True) as conn:
            await conn.execute("UPDATE threadkeep SET version = %s", (version + 1,))
    return version + 1, version


async def test_what_a_newer_version_wrote_is_refused_in_one_sentence(old_data: OldData) -> None:
    newer, supported = await raise_version(old_data)
    for command in (["threads", "list"], ["ask", "Hello"], ["export"]):
        process = run_process(old_data, *command, "-u", "ada", code=5)
        assert process.stdout == ""
        (sentence,) = process.stderr.splitlines()
        assert f"has version {newer}, this threadkeep knows up to {supported}." in sentence
        assert "Install a newer threadkeep, or " in sentence
