"""Import everything once, then erase or open in a forked process for each line of stdin."""

import asyncio
import json
import os
import sys
from pathlib import Path

import chromadb  # noqa: F401  (imported before the forks, not by each of them)

from threadkeep.base.settings import Settings
from threadkeep.erase.erase import carry_out
from threadkeep.erase.intents import has_erasures
from threadkeep.erase.plan import Target
from threadkeep.memory import open_memory
from threadkeep.stores.hybrid import open_store


async def forget(job: dict[str, str]) -> None:
    """Erase in a data folder; report before the first change and after the last."""
    settings = Settings(home=Path(job["home"]), model="offline")
    async with open_memory(settings) as memory:
        target = Target(kind=job["kind"], name=job["name"])  # type: ignore[arg-type]
        await memory.opened.store.count_vectors("nobody")
        plan = await memory.plan_erasure(target, user_id="ada")
        say("begun")
        await carry_out(memory.opened, plan)
        say("done")


async def recover(job: dict[str, str]) -> None:
    """Open a data folder after a kill; report whether an erasure was interrupted and completed."""
    settings = Settings(home=Path(job["home"]), model="offline")
    async with open_store(settings) as store:
        interrupted = await has_erasures(store)
    async with open_memory(settings) as memory:
        completed = any("is forgotten now" in sentence for sentence in memory.recovered)
        await memory.opened.store.index_pending()
    say(f"recovered {json.dumps([interrupted, completed])}")


def say(line: str) -> None:
    """Write a line to stdout without a buffer."""
    os.write(1, f"{line}\n".encode())


def main() -> None:
    """Fork for each job; report the process id and the end of the process."""
    say("ready")
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            job = json.loads(line)
            asyncio.run(forget(job) if "kind" in job else recover(job))
            os._exit(0)
        say(f"pid {pid}")
        os.waitpid(pid, 0)
        say("ended")


if __name__ == "__main__":
    main()
