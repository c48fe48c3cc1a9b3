"""Killed at any moment, forgetting is finished by whoever opens the home next."""

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
from tests.erase.helpers import grep, import_talk, kept_of, say, words
from threadkeep.base.settings import Settings
from threadkeep.erase.intents import has_erasures
from threadkeep.memory import Memory, open_memory
from threadkeep.process import run
from threadkeep.stores.hybrid import open_store
from threadkeep.stores.namespaces import messages_of, thread_id, user_key

KILLS = 20
SECRET = "The vault opens with tulip-4711."
STAYS = "My sister Miriam keeps two parrots."


class Forks:
    """Forgets in processes that can be killed."""

    def __init__(self, program: subprocess.Popen[str]) -> None:
        self._program = program

    def forget(self, home: Path, kind: str, name: str, seconds: float | None) -> float | None:
        """Forget; kill it so long after its first change. Return how long it took, if it did."""
        job = json.dumps({"home": str(home), "kind": kind, "name": name})
        assert self._program.stdin
        self._program.stdin.write(f"{job}\n")
        self._program.stdin.flush()
        pid = int(self.read("pid ").removeprefix("pid "))
        self.read("begun")
        began = time.monotonic()
        if seconds is not None:
            time.sleep(seconds)
            with suppress(ProcessLookupError):  # It was done sooner than the first one.
                os.kill(pid, signal.SIGKILL)
        took = None
        while (line := self.read("")) != "ended":
            took = time.monotonic() - began if line == "done" else took
        return took

    def read(self, begin: str) -> str:
        assert self._program.stdout
        while line := self._program.stdout.readline().strip():
            if line.startswith(begin):
                return line
        raise AssertionError("the program ended")


@pytest.fixture
def forks() -> Iterator[Forks]:
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.erase.forget_forks"],
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
    """Fill a home; return what Ada and Bob have, and the id of Ada's message with the secret."""
    settings = Settings(home=home, model="offline")
    await import_talk(settings, "ada", 40)
    await import_talk(settings, "bob", 40)
    async with open_memory(settings) as memory:
        await say(memory, "ada", "trip", STAYS, SECRET, "And what else?")
        await say(memory, "bob", "trip", "I live in Bergen.", "Where do I live?")
        await memory.opened.store.index_pending()
        owner = await user_key(memory.opened.store, "ada")
        spoken = await memory.opened.store.asearch(
            messages_of(owner, thread_id(owner, "trip")), limit=99
        )
        (secret,) = [item.key for item in spoken if item.value["text"] == SECRET]
        return [*await kept_of(memory, "ada")], [*await kept_of(memory, "bob")], secret


def test_killed_at_any_moment_a_user_is_forgotten_at_the_next_start(
    tmp_path: Path, forks: Forks
) -> None:
    random, full, home = Random(7), tmp_path / "full", tmp_path / "home"
    ada, bob, _ = run(_fill(full))
    shutil.copytree(full, home)
    took = forks.forget(home, "user", "", None)
    assert took is not None
    cut = 0
    for _ in range(KILLS):
        shutil.rmtree(home)
        shutil.copytree(full, home)
        done = forks.forget(home, "user", "", random.uniform(0, took))
        took = min(took, done or took)
        cut += run(_check_user(home, ada, bob))
    assert cut > KILLS // 3, "most kills must come in between"


async def _check_user(home: Path, ada: list[object], bob: list[object]) -> bool:
    """Check that it is all or nothing; tell whether it was cut off in between."""
    settings = Settings(home=home, model="offline")
    async with open_store(settings) as store:
        cut = await has_erasures(store)
    async with open_memory(settings) as memory:
        assert any("is forgotten now" in each for each in memory.recovered) == cut
        assert await kept_of(memory, "bob") == bob
        assert await memory.opened.store.vectors.count("x") == 0
        left = await kept_of(memory, "ada")
        if left == ada:
            assert not cut
            return False
        await _nothing_of_ada(memory)
    for text in ("tulip-4711", "parrots", words("ada", 3), words("ada", 38)):
        assert grep(home, text) == [], text
    return cut


async def _nothing_of_ada(memory: Memory) -> None:
    owner = await user_key(memory.opened.store, "ada")
    assert await memory.opened.store.alist_namespaces(prefix=(owner,), limit=10) == []
    assert not await has_erasures(memory.opened.store)
    assert await memory.opened.store.count_vectors(owner) == 0


def test_killed_at_any_moment_a_message_is_forgotten_and_the_rest_stays(
    tmp_path: Path, forks: Forks
) -> None:
    random, full, home = Random(8), tmp_path / "full", tmp_path / "home"
    ada, bob, secret = run(_fill(full))
    shutil.copytree(full, home)
    took = forks.forget(home, "message", secret, None)
    assert took is not None
    wanted = run(_kept(home, "ada"))
    assert wanted != ada
    for _ in range(KILLS // 2):
        shutil.rmtree(home)
        shutil.copytree(full, home)
        done = forks.forget(home, "message", secret, random.uniform(0, took))
        took = min(took, done or took)
        assert run(_kept(home, "bob")) == bob
        left = run(_kept(home, "ada"))
        assert left in (ada, wanted)
        assert (grep(home, "tulip-4711") == []) == (left == wanted)


async def _kept(home: Path, user: str) -> list[object]:
    async with open_memory(Settings(home=home, model="offline")) as memory:
        return [*await kept_of(memory, user)]
