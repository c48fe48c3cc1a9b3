"""Turns a second of several processes together: `python -m benchmarks.scaling --json`.

Workers share one PostgreSQL and one Chroma server. Each worker talks for its own users and for one
user that all workers share, in its own threads. The model answers at once, so that only our own
time counts.
"""

import argparse
import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from benchmarks.growth import schema
from benchmarks.growth_stock import FiftyWords
from benchmarks.report import report
from benchmarks.turn import sentence
from threadkeep.base.settings import Settings
from threadkeep.memory import open_memory

WORKERS = (1, 2, 4)
TURNS = 100
USERS = 4
ROOT = Path(__file__).parents[1]


async def work(worker: str) -> None:
    """Talk for several users; print when ready, begin on a line of input, print when done."""
    random = Random(worker)
    async with open_memory(Settings(), model=FiftyWords()) as memory:
        await memory.opened.store.index_pending()
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        for number in range(TURNS):
            user = "shared" if number % USERS == 0 else f"user-{worker}-{number % USERS}"
            turn = await memory.say(sentence(random, 50), thread=f"w{worker}", user_id=user)
            await turn.finished()
        print("done", flush=True)


def throughput(workers: int, env: dict[str, str]) -> float:
    """Return turns a second of so many workers together."""
    command = [sys.executable, "-m", "benchmarks.scaling", "--worker"]
    processes = [
        subprocess.Popen(
            [*command, f"{workers}-{number}"],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for number in range(workers)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    began = time.perf_counter()
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "done\n"
    seconds = time.perf_counter() - began
    for process in processes:
        process.communicate()
    return workers * TURNS / seconds


@contextmanager
def chroma() -> Iterator[str]:
    """Run a Chroma server and yield its address."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        program = shutil.which("chroma", path=str(Path(sys.executable).parent)) or "chroma"
        command = [program, "run", "--host", "127.0.0.1", "--port", str(port), "--path", folder]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(3)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()
            server.wait()


async def measure() -> dict[str, float]:
    """Return the throughput of each number of workers."""
    figures: dict[str, float] = {}
    async with schema() as (url, _):
        with chroma() as vectors, tempfile.TemporaryDirectory() as home:
            env = os.environ | {
                "THREADKEEP_HOME": home,
                "THREADKEEP_DB": url,
                "THREADKEEP_CHROMA_URL": vectors,
                "THREADKEEP_MODEL": "offline",
            }
            for workers in WORKERS:
                figures[f"turns_a_second_{workers}_workers"] = await asyncio.to_thread(
                    throughput, workers, env
                )
    return figures


def main() -> None:
    """Measure, or run as one worker."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        asyncio.run(work(options.worker))
        return
    report("scaling", asyncio.run(measure()), {}, as_json=options.json)


if __name__ == "__main__":
    main()
