"""The time to erase a user: `python -m benchmarks.erasure --json`.

Ten users of 3,000 messages each are imported into one data folder, then one user is erased, and
every file is searched for the erased text. The data of the nine others is exported before and
after.
"""

import argparse
import hashlib
import json
import tempfile
import time
from pathlib import Path
from random import Random

from benchmarks.report import report
from benchmarks.turn import sentence
from threadkeep.base.settings import Settings
from threadkeep.cli.import_file import import_file
from threadkeep.erase.plan import Target
from threadkeep.erase.receipt import Receipt
from threadkeep.memory import open_memory
from threadkeep.process import run

USERS, MESSAGES, THREADS = 10, 3_000, 30
MOST_SECONDS = 30.0
VOLATILE = ("created", "sha256")


def write_transcript(path: Path, users: int, messages: int) -> None:
    """Write conversations of many users; half of each message is unique to its user."""
    random = Random(5)
    with path.open("w", encoding="utf-8") as file:
        for user in range(users):
            for number in range(messages):
                own = f"I keep {random.randrange(16**12):012x} in the drawer {random.random()}."
                at = f"{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}"
                line = {
                    "user": f"user-{user}",
                    "thread": f"thread-{number * THREADS // messages}",
                    "role": "user" if number % 2 == 0 else "assistant",
                    "text": f"{sentence(random, 20)} {own}",
                    "time": f"2025-01-01T{at}Z",
                }
                file.write(json.dumps(line) + "\n")


async def digests(settings: Settings, users: range) -> dict[str, str]:
    """Return a digest of the export of each user."""
    digest_by_user = {}
    async with open_memory(settings) as memory:
        for user in (f"user-{number}" for number in users):
            digest = hashlib.sha256()
            async for line in memory.export(user_id=user):
                record = json.loads(line)
                lasting = {key: item for key, item in record.items() if key not in VOLATILE}
                digest.update(json.dumps(lasting, sort_keys=True).encode())
            digest_by_user[user] = digest.hexdigest()
    return digest_by_user


async def forget(settings: Settings) -> tuple[Receipt, float]:
    """Erase the first user in a process that has the memory open; return receipt and seconds."""
    async with open_memory(settings) as memory:
        began = time.perf_counter()
        receipt = await memory.forget(Target(kind="user"), verify=True, user_id="user-0")
        return receipt, time.perf_counter() - began


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--messages", type=int, default=MESSAGES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, settings = Path(folder) / "lines.jsonl", Settings(home=Path(folder) / "home")
        write_transcript(path, USERS, options.messages)
        run(import_file(settings, path, "jsonl"))
        path.unlink()
        before = run(digests(settings, range(1, USERS)))
        receipt, seconds = run(forget(settings))
        after = run(digests(settings, range(1, USERS)))
    figures = {
        "seconds": seconds,
        "megabytes_scanned": receipt.scanned["bytes"] / 1e6,
        "strings_looked_for": receipt.scanned["strings"],
        "places_found": len(receipt.found),
        "messages_removed": receipt.removed.get("messages", 0),
        "vectors_removed": receipt.removed.get("vectors", 0),
        "other_users_changed": sum(before[user] != after[user] for user in before),
    }
    met = {
        f"a user of {options.messages:,} messages among {USERS} is forgotten in "
        f"{MOST_SECONDS:.0f} s": seconds <= MOST_SECONDS,
        "nothing of it is found": receipt.clean,
        "the others keep all they had": before == after,
    }
    report("erasure", figures, met, as_json=options.json)


if __name__ == "__main__":
    main()
