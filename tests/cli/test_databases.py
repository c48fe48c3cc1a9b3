"""The main job on every database, as a person meets it: each command is a process of its own."""

import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.backends import ROOT, fresh_database
from threadkeep.checkpoints.redis_locks import EXPIRES_SECONDS

MIRIAM = "My sister Miriam moved to Lisbon in March and keeps two parrots."
THREADKEEP = [sys.executable, "-c", "from threadkeep.cli.app import main; main()"]
KILLED = """
import asyncio, os, signal, sys
from threadkeep.memory import open_memory
from threadkeep.graph.context import Context
from threadkeep.base.settings import Settings

async def main():
    async with open_memory(Settings()) as memory:
        turn = await memory.say(sys.argv[1], thread="first", user_id="ada")
        async for piece in turn:
            pass
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest_asyncio.fixture(params=["postgres", "redis"])
async def env(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    async with fresh_database(request.param) as url:
        yield {
            "THREADKEEP_HOME": str(tmp_path / "home"),
            "THREADKEEP_DB": url,
            "PYTHONPATH": str(ROOT),
        }


def run(
    env: dict[str, str], *args: str, program: list[str] = THREADKEEP, code: int = 0
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*program, *args], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done


def test_what_was_killed_is_finished_remembered_and_checked(env: dict[str, str]) -> None:
    run(env, MIRIAM, program=[sys.executable, "-c", KILLED], code=-9)
    if "redis" in env["THREADKEEP_DB"]:
        time.sleep(EXPIRES_SECONDS)
    done = run(env, "ask", "-u", "ada", "-t", "second", "Where does my sister live?")
    assert "thread 'first' is finished now" in done.stderr
    assert "Lisbon" in done.stdout
    assert "Lisbon" not in run(env, "ask", "-u", "bob", "-t", "first", "Lisbon?").stdout
    shown = run(env, "threads", "show", "first", "-u", "ada").stdout.splitlines()
    assert len(shown) == 2
    checked = run(env, "doctor", "--sweep", "--reindex").stdout.splitlines()
    assert [line.split()[:2] for line in checked] == [
        ["ok", each] for each in ("checkpoints:", "locks:", "items:", "vectors:", "indexes:")
    ]
    assert "Lisbon" in run(env, "memory", "search", "sister", "-u", "ada").stdout


@pytest.mark.parametrize(
    ("url", "said"),
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
    tmp_path: Path, url: str, said: str, command: list[str]
) -> None:
    env = {"THREADKEEP_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    if url.startswith("redis") and command[0] == "threads":
        return  # The long-term store is not on Redis.
    done = run(env, *command, "-u", "ada", "--db", url, code=5)
    assert said in done.stderr
    assert "geheim" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_doctor_says_what_does_not_work_and_fails(tmp_path: Path) -> None:
    env = {"THREADKEEP_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    done = run(env, "doctor", "--db", "postgresql://me@127.0.0.1:1/x", code=5)
    assert [line[:4] for line in done.stdout.splitlines()] == ["FAIL"] * 3
