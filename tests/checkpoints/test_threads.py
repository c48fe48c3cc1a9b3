import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from checkpoints.open_turns import forget_open, left_open, note_open
from checkpoints.threads import open_turn
from graph.errors import ThreadBusy
from graph.settings import Settings

ROOT = Path(__file__).parents[2]
HOLD = """
import asyncio, sys
from pathlib import Path
from checkpoints.threads import open_turn
async def main():
    async with open_turn(Path(sys.argv[1]), "t", "trip"):
        print("held", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_two_turns_of_a_thread_wait_for_each_other_and_other_threads_do_not(
    home: Settings,
) -> None:
    order: list[str] = []

    async def turn(thread: str, name: str, seconds: float) -> None:
        async with open_turn(home.locks, thread, thread):
            order.append(f"{name} in")
            await asyncio.sleep(seconds)
            order.append(f"{name} out")

    await asyncio.gather(turn("a", "1", 0.2), turn("a", "2", 0.2), turn("b", "3", 0.01))
    assert order[:3] in (["1 in", "3 in", "3 out"], ["2 in", "3 in", "3 out"])
    first = order[0][0]
    second = "2" if first == "1" else "1"
    assert order[3:] == [f"{first} out", f"{second} in", f"{second} out"]


async def test_a_thread_that_stays_busy_is_a_sentence_with_its_name(home: Settings) -> None:
    async with open_turn(home.locks, "t", "trip"):
        with pytest.raises(ThreadBusy, match="'trip' is busy"):
            async with open_turn(home.locks, "t", "trip", wait=0.1):
                pass


async def test_another_process_is_waited_for_and_its_death_frees_the_thread(
    home: Settings,
) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home.locks)],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert other.stdout is not None
    assert other.stdout.readline() == b"held\n"
    with pytest.raises(ThreadBusy):
        async with open_turn(home.locks, "t", "trip", wait=0.1):
            pass
    other.kill()
    other.wait()
    other.stdout.close()
    async with open_turn(home.locks, "t", "trip", wait=2):
        pass


def test_a_turn_that_was_cut_off_leaves_a_note_for_its_user_alone(home: Settings) -> None:
    assert not note_open(home.locks, "t", "ada", "trip")
    assert left_open(home.locks, "ada") == ["trip"]
    assert left_open(home.locks, "bob") == []
    assert note_open(home.locks, "t", "ada", "trip")
    forget_open(home.locks, "t")
    assert left_open(home.locks, "ada") == []


def test_a_note_that_is_damaged_names_nobody(home: Settings) -> None:
    (home.locks / "x.open").write_text('{"user": "ad')
    assert left_open(home.locks, "ada") == []
