"""An erasure that is killed at any moment is completed when the memory is opened next."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from tests.backends import ROOT
from tests.erase.helpers import diary_text, grep, import_diary, say, stored_records
from threadkeep.base.settings import Settings
from threadkeep.erase.intents import has_erasures
from threadkeep.memory import Memory, open_memory
from threadkeep.process import run
from threadkeep.stores.namespaces import messages_of, thread_id, user_key

KILLS = 20
SECRET = "The vault opens with tulip-4711."
REMAINING = "My sister Miriam keeps two parrots."


class Forks:
    """Erases in processes that can be killed."""

    def __init__(self, program: subprocess.Popen[str]) -> None:
        self._program = program

    def forget(self, home: Path, kind: str, name: str, seconds: float | None) -> float | None:
        """Erase; kill the process `seconds` after its first change. Return its duration."""
        self._write({"home": str(home), "kind": kind, "name": name})
        pid = int(self.read("pid ").removeprefix("pid "))
        self.read("begun")
        began = time.monotonic()
        if seconds is not None:
            time.sleep(seconds)
            with suppress(ProcessLookupError):  # It ended sooner than the first one.
                os.kill(pid, signal.SIGKILL)
        duration = None
        while (line := self.read("")) != "ended":
            duration = time.monotonic() - began if line == "done" else duration
        return duration

    def recover(self, home: Path) -> bool:
        """Open the memory, and return whether that completed an interrupted erasure.

        In a process of its own: this one holds the erased texts, and Chroma writes out memory that
        it has not filled.
        """
        self._write({"home": str(home)})
        interrupted, completed = json.loads(self.read("recovered").removeprefix("recovered "))
        self.read("ended")
        assert interrupted == completed
        return bool(interrupted)

    def _write(self, job: dict[str, str]) -> None:
        assert self._program.stdin
        self._program.stdin.write(f"{json.dumps(job)}\n")
        self._program.stdin.flush()

    def read(self, begin: str) -> str:
        assert self._program.stdout
        while line := self._program.stdout.readline().strip():
            if line.startswith(begin):
                return line
        raise AssertionError("the program ended")


@pytest.fixture
def forks() -> Iterator[Forks]:
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.erase.erase_in_forks"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "THREADKEEP_NO_PROBE": "1"},
    )
    forks = Forks(program)
    forks.read("ready")
    try:
        yield forks
    finally:
        program.kill()
        program.communicate()


async def _fill(home: Path) -> tuple[list[object], list[object], str]:
    """Fill a memory; return the records of Ada and Bob, and the id of Ada's secret message."""
    settings = Settings(home=home, model="offline")
    await import_diary(settings, "ada", 40)
    await import_diary(settings, "bob", 40)
    async with open_memory(settings) as memory:
        await say(memory, "ada", "trip", REMAINING, SECRET, "And what else?")
        await say(memory, "bob", "trip", "I live in Bergen.", "Where do I live?")
        await memory.opened.store.index_pending()
        owner = await user_key(memory.opened.store, "ada")
        spoken = await memory.opened.store.asearch(
            messages_of(owner, thread_id(owner, "trip")), limit=99
        )
        (secret,) = [item.key for item in spoken if item.value["text"] == SECRET]
        return (
            [*await stored_records(memory, "ada")],
            [*await stored_records(memory, "bob")],
            secret,
        )


def test_an_interrupted_erasure_of_a_user_is_completed_at_the_next_start(
    tmp_path: Path, forks: Forks
) -> None:
    random, full, home = Random(7), tmp_path / "full", tmp_path / "home"
    ada, bob, _ = run(_fill(full))
    shutil.copytree(full, home)
    duration = forks.forget(home, "user", "", None)
    assert duration is not None
    texts, interrupted = ["tulip-4711", "parrots", diary_text("ada", 3), diary_text("ada", 38)], 0
    for _ in range(KILLS):
        shutil.rmtree(home)
        shutil.copytree(full, home)
        seconds = forks.forget(home, "user", "", random.uniform(0, duration))
        duration = min(duration, seconds or duration)
        completed = forks.recover(home)
        remaining_texts = [text for text in texts if grep(home, text)]
        is_erased = run(_check_user(home, ada, bob))
        assert is_erased or not completed
        assert remaining_texts == ([] if is_erased else texts)
        interrupted += completed
    assert interrupted > KILLS // 3, "most kills must come in between"


async def _check_user(home: Path, ada: list[object], bob: list[object]) -> bool:
    """Check that all or nothing of Ada is erased, and nothing of Bob; return which."""
    async with open_memory(Settings(home=home, model="offline")) as memory:
        assert await stored_records(memory, "bob") == bob
        assert await memory.opened.store.vectors.count("x") == 0
        if await stored_records(memory, "ada") == ada:
            return False
        await _assert_ada_is_erased(memory)
    return True


async def _assert_ada_is_erased(memory: Memory) -> None:
    owner = await user_key(memory.opened.store, "ada")
    assert await memory.opened.store.alist_namespaces(prefix=(owner,), limit=10) == []
    assert not await has_erasures(memory.opened.store)
    assert await memory.opened.store.count_vectors(owner) == 0


def test_an_interrupted_erasure_of_a_message_is_completed_and_the_rest_stays(
    tmp_path: Path, forks: Forks
) -> None:
    random, full, home = Random(8), tmp_path / "full", tmp_path / "home"
    ada, bob, secret = run(_fill(full))
    shutil.copytree(full, home)
    duration = forks.forget(home, "message", secret, None)
    assert duration is not None
    expected = run(_records_of(home, "ada"))
    assert expected != ada
    for _ in range(KILLS // 2):
        shutil.rmtree(home)
        shutil.copytree(full, home)
        seconds = forks.forget(home, "message", secret, random.uniform(0, duration))
        duration = min(duration, seconds or duration)
        forks.recover(home)
        is_erased = grep(home, "tulip-4711") == []
        assert run(_records_of(home, "bob")) == bob
        assert run(_records_of(home, "ada")) == (expected if is_erased else ada)


async def _records_of(home: Path, user: str) -> list[object]:
    async with open_memory(Settings(home=home, model="offline")) as memory:
        return [*await stored_records(memory, user)]
