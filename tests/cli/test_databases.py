"""Conversations on PostgreSQL and Redis; each command is a process of its own."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.backends import ROOT, fresh_database
from tests.cli.commands import MIRIAM, kill_turn, run
from threadkeep.checkpoints.redis_locks import EXPIRES_SECONDS


@pytest_asyncio.fixture(params=["postgres", "redis"])
async def env(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    async with fresh_database(request.param) as url:
        yield {
            "THREADKEEP_HOME": str(tmp_path / "home"),
            "THREADKEEP_DB": url,
            "PYTHONPATH": str(ROOT),
        }


def test_a_killed_turn_is_finished_and_recalled_and_doctor_finds_no_fault(
    env: dict[str, str],
) -> None:
    kill_turn(env, MIRIAM)
    if "redis" in env["THREADKEEP_DB"]:
        time.sleep(EXPIRES_SECONDS)
    process = run(env, "ask", "-u", "ada", "-t", "second", "Where does my sister live?")
    assert "thread 'first' is finished now" in process.stderr
    assert "Lisbon" in process.stdout
    assert "Lisbon" not in run(env, "ask", "-u", "bob", "-t", "first", "Lisbon?").stdout
    messages = run(env, "threads", "show", "first", "-u", "ada").stdout.splitlines()
    assert len(messages) == 2
    lines = run(env, "doctor", "--sweep", "--reindex").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["ok", part]
        for part in (
            "checkpoints:",
            "locks:",
            "items:",
            "records:",
            "erasures:",
            "turns:",
            "vectors:",
            "indexes:",
        )
    ]
    assert "Lisbon" in run(env, "memory", "search", "sister", "-u", "ada").stdout


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://me:geheim@127.0.0.1:1/x", "postgresql://me@127.0.0.1:1/x"),
        ("redis://:geheim@127.0.0.1:1/0", "redis://"),
        ("mysql://me:geheim@127.0.0.1/x", "names no database"),
        ("sqlite://", "names no database"),
        ("postgresql://me:geheim@127.0.0.1:port/x", "is no address"),
        ("nonsense", "names no database"),
    ],
)
@pytest.mark.parametrize("command", [["ask", "hello"], ["threads", "list"]])
def test_a_database_that_cannot_be_used_is_one_sentence_and_a_code(
    tmp_path: Path, url: str, message: str, command: list[str]
) -> None:
    env = {"THREADKEEP_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    if url.startswith("redis") and command[0] == "threads":
        return  # The long-term store is not on Redis.
    process = run(env, *command, "-u", "ada", "--db", url, code=5)
    assert message in process.stderr
    assert "geheim" not in process.stderr
    assert len(process.stderr.splitlines()) == 1


def test_doctor_lists_what_does_not_work_and_fails(tmp_path: Path) -> None:
    env = {"THREADKEEP_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    process = run(env, "doctor", "--db", "postgresql://me@127.0.0.1:1/x", code=5)
    assert [line[:4] for line in process.stdout.splitlines()] == ["FAIL"] * 3
