"""A file that was damaged anywhere is told of in a sentence, or everything goes on."""

import shutil
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.erase.helpers import say
from threadkeep.base.errors import StorageFailed, ThreadkeepError
from threadkeep.base.settings import Settings
from threadkeep.cli.doctor import run_checks
from threadkeep.memory import Memory, open_memory
from threadkeep.process import run

CONTENT = "xyzzyplugh"
PAGE = 4_096
Damage = tuple[str, float, bytes]
"""What is done, where in the file (0 to 1), and the bytes for it."""
DAMAGES = st.tuples(
    st.sampled_from(["overwrite", "cut", "zero", "copy"]),
    st.floats(0, 0.9999),
    st.binary(min_size=1, max_size=64),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with two threads, and vectors of all of it."""
    home = tmp_path_factory.mktemp("whole")

    async def fill() -> None:
        async with open_memory(Settings(home=home, model="offline")) as memory:
            await say(memory, "ada", "a", f"I live in Bergen near {CONTENT}.", "I have a cat.")
            await say(memory, "ada", "b", "My budget is 900 euros.")
            await memory.opened.store.index_pending()

    run(fill())
    with sqlite3.connect(home / "threadkeep.sqlite") as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    conn.close()
    return home


def damage(path: Path, change: Damage) -> None:
    kind, place, content = change
    data = bytearray(path.read_bytes())
    start = int(place * len(data))
    page = start // PAGE * PAGE
    if kind == "overwrite":
        data[start : start + len(content)] = content
    elif kind == "cut":
        del data[start:]
    elif kind == "zero":
        data[page : page + PAGE] = bytes(len(data[page : page + PAGE]))
    else:
        data[page : page + PAGE] = data[:PAGE]
    path.write_bytes(data)


async def use(memory: Memory) -> None:
    """Read and write as a user does."""
    await memory.threads(user_id="ada")
    await memory.facts(user_id="ada")
    await memory.search("Where is Bergen?", user_id="ada")
    async for _ in memory.export(user_id="ada"):
        pass
    turn = await memory.say("Where do I live?", thread="c", user_id="ada")
    async for _ in turn:
        pass
    await turn.finished()


async def use_all(home: Path) -> str:
    """Return what a user is told; nothing if all works."""
    options = Settings(home=home, model="offline")
    try:
        async with open_memory(options) as memory:
            await use(memory)
    except ThreadkeepError as error:
        return str(error)
    return ""


async def check(home: Path) -> str:
    """Return what doctor says."""
    return str([row async for row in run_checks(Settings(home=home, model="offline"))])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(change=DAMAGES)
@example(change=("overwrite", 0.0, b"\xff" * 64))
@example(change=("cut", 0.0, b"x"))
@example(change=("overwrite", 0.439453125, b"\x80"))
@example(change=("zero", 0.6109, b"x"))
@example(change=("zero", 0.0, b"x"))
def test_a_damaged_database_is_one_true_sentence(folder: Path, change: Damage) -> None:
    with TemporaryDirectory() as copy:
        home = Path(shutil.copytree(folder, Path(copy) / "home"))
        damage(home / "threadkeep.sqlite", change)
        sentence = run(use_all(home))
        assert CONTENT not in sentence
        assert "\n" not in sentence
        checks = run(check(home))
        assert CONTENT not in checks
        assert "Error" not in checks


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(change=DAMAGES, number=st.integers(0, 20))
def test_damaged_vectors_stop_nothing(folder: Path, change: Damage, number: int) -> None:
    with TemporaryDirectory() as copy:
        home = Path(shutil.copytree(folder, Path(copy) / "home"))
        files = [path for path in sorted((home / "chroma").rglob("*")) if path.is_file()]
        damage(files[number % len(files)], change)
        assert run(use_all(home)) == ""


def test_a_schema_that_is_not_text_is_a_storage_error(folder: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(folder, tmp_path / "home"))
    path = home / "threadkeep.sqlite"
    data = path.read_bytes()
    path.write_bytes(data.replace(b"CREATE TABLE checkpoints", b"CREATE T\xd4\xd4LE checkpoints"))

    async def opened() -> None:
        async with open_memory(Settings(home=home, model="offline")):
            pass

    with pytest.raises(StorageFailed, match="backup"):
        run(opened())
