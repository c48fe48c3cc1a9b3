"""Make the data of the compatibility tests with an older threadkeep: its databases and its outputs.

    python tests/compatibility/make_data.py PROGRAM [POSTGRES_URL]

PROGRAM is the `threadkeep` command of the older version, installed in its own virtual environment
from constraints.txt. The files beside this script were made with commit a8e7c97 of version 0.1.0:
the last one before everything installable moved into the package `threadkeep`. It writes

- sqlite.tar.xz: the data folder, with the SQLite file and the Chroma folder;
- postgres.tar.xz: the data folder beside a PostgreSQL database, and database.sql, a plain dump of
  it without a schema name, owner or privilege (needs psql and pg_dump);
- sqlite.json, postgres.json: what the older program printed for each command that reads.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

FOLDER = Path(__file__).parent
SCHEMA = "threadkeep_compatibility"
NOW = "2026-03-04T09:30:00+00:00"
"""The time of the commands that read; the conversations lie on the days before."""
SMALL_WINDOW = "--memory progressive --context max_tokens=640 --context reserve_tokens=64".split()
IMPORTED = [
    ("ada", "old-mail", "user", "We took the night train to Vienna.", "2025-08-14T21:05:00+02:00"),
    ("ada", "old-mail", "assistant", "Enjoy the Prater.", "2025-08-14T21:06:00+02:00"),
    ("bob", "letters", "user", "My dog Rex is afraid of thunder.", "2025-09-01T08:00:00+02:00"),
]
IMPORTED_THREADS = {row[1] for row in IMPORTED}
"""They have messages, and no state of an agent."""
LONG_TALK = [
    "My brother Tom plays the cello in Dresden.",
    "Tom's teacher is Mrs Novak, phone 0351 4455.",
    "The concert is on 12 May 2026 in the Kreuzkirche.",
    "We have 3 tickets, but Lena does not want to come.",
    "The hotel costs 120 euros and is booked under Keller.",
    "Tom had an accident with his bicycle in 2019.",
    "He likes marzipan and hates fennel.",
    "What do you know about Tom?",
    "Remind me to buy strings for the cello.",
    "The train leaves at 8:15 from platform 4.",
]


FORGOTTEN = "My locker has the number 4711."
UNFINISHED = "My sister Miriam moved to Lisbon in March."
KILLED = """
import asyncio, os, signal, sys
from turns.agent import open_agent
from graph.context import Context
from graph.settings import load_settings

async def main():
    async with open_agent(load_settings()) as agent:
        turn = await agent.say(Context(user_id="carol"), "first", sys.argv[1])
        async for piece in turn:
            pass
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
"""Ends a turn after its answer and before it is stored."""


class OldProgram:
    """The older program on one data folder."""

    def __init__(self, program: str, folder: Path, env: dict[str, str]) -> None:
        self.program = program
        own = {"THREADKEEP_HOME": str(folder), "THREADKEEP_NO_PROBE": "1", "HOME": str(folder)}
        self.env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **own, **env}

    def run(self, *args: str, text: str = "", now: str = NOW) -> str:
        """Run a command and return its standard output."""
        process = subprocess.run(
            [self.program, *args],
            env=self.env | {"THREADKEEP_NOW": now},
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode:
            raise RuntimeError(f"{args}: {process.stderr}")
        return process.stdout

    def kill_turn(self, text: str) -> None:
        """Begin a turn of carol's, and kill the process before the turn is stored."""
        python = Path(self.program).with_name("python")
        env = self.env | {"THREADKEEP_NOW": NOW}
        # Run in another folder: with -c, Python imports from the current folder first.
        command = [str(python), "-c", KILLED, text]
        process = subprocess.run(command, env=env, cwd=self.env["HOME"], check=False)
        if process.returncode != -signal.SIGKILL:
            raise RuntimeError(f"the turn was not killed: exit code {process.returncode}")

    def items(self, *args: str) -> list[dict[str, Any]]:
        """Return the JSON lines that a command prints."""
        return [json.loads(line) for line in self.run(*args, "--json").splitlines()]

    def id_of(self, user: str, text: str) -> str:
        """Return the short id of the one memory or message that a list shows with this text."""
        items = self.items("memory", "search", text, "-u", user)
        items += self.items("memory", "list", "-u", user)
        (key,) = {item["id"] for item in items if item["text"].startswith(text)}
        return str(key)


def write_memory(old: OldProgram, folder: Path) -> None:
    """Let two users talk, correct, pin, undo, fork, import and forget."""
    lines = [
        json.dumps(dict(zip(("user", "thread", "role", "text", "time"), row, strict=True)))
        for row in IMPORTED
    ]
    file = folder / "old.jsonl"
    file.write_text("\n".join(lines))
    old.run("import", str(file))

    def chat(user: str, thread: str, *texts: str, day: int, options: Sequence[str] = ()) -> None:
        now = f"2026-03-{day:02}T10:00:00+00:00"
        command = ("chat", "-u", user, "-t", thread, *options)
        old.run(*command, text="\n".join(texts), now=now)

    chat("ada", "family", "My sister Miriam moved to Lisbon in March and keeps two parrots.", day=1)
    chat("ada", "family", "Where does my sister live?", "I work at Initech.", FORGOTTEN, day=2)
    old.run("memory", "forget", old.id_of("ada", FORGOTTEN), "-u", "ada", "--yes")
    chat("ada", "concert", *LONG_TALK, day=2, options=SMALL_WINDOW)
    chat("bob", "family", "My sister Greta lives in Oslo.", "I am allergic to nuts.", day=2)
    chat("bob", "plans", "I want to sell my boat.", "My car is a red Saab.", day=3)
    old.run("threads", "undo", "plans", "-u", "bob")
    old.run("threads", "fork", "plans", "other-plans", "-u", "bob")
    chat("bob", "other-plans", "I will keep the boat after all.", day=3)
    old.run("threads", "set", "family", "-u", "ada", "--title", "Sisters", "--state", "step=2")
    old.run("threads", "set", "family", "-u", "ada", "--metadata", "topic=family")
    old.run("threads", "set", "concert", "-u", "ada", *SMALL_WINDOW, "--ttl-days", "36500")
    old.run("memory", "correct", old.id_of("ada", "Miriam lives in Lisbon"), "Porto", "-u", "ada")
    message = old.id_of("ada", "I work at Initech.")
    old.run("memory", "correct", message, "I work at Globex.", "-u", "ada")
    old.run("memory", "pin", old.id_of("bob", "I am allergic to nuts."), "-u", "bob")
    old.run("memory", "pin", old.id_of("ada", LONG_TALK[2]), "-u", "ada")
    chat("ada", "news", "Where do I work?", "Where does Miriam live?", day=4)
    old.run("user", "add", "ada")
    old.kill_turn(UNFINISHED)


def read_commands(old: OldProgram) -> list[list[str]]:
    """Return the arguments of every command that only reads."""
    commands = [["user", "list"]]
    for user in ("ada", "bob"):
        of_user = ["-u", user, "--json"]
        commands += [["threads", "list", *of_user], ["memory", "list", "--all", *of_user]]
        for thread in old.items("threads", "list", "-u", user):
            commands.append(["threads", "show", thread["name"], *of_user])
            if thread["name"] not in IMPORTED_THREADS:
                commands.append(["threads", "prompt", thread["name"], *of_user])
        commands += [
            ["memory", "search", query, "-n", "4", *of_user]
            for query in ("sister", "cello in Dresden", "boat")
        ]
        commands += [["memory", "pins", *of_user], ["memory", "why", *of_user]]
        commands += [["usage", *of_user], ["export", "-u", user]]
    for text in ("Miriam lives in Porto", "I work at Globex."):
        commands.append(["memory", "history", old.id_of("ada", text), "-u", "ada", "--json"])
    return commands


def save_expected(old: OldProgram, path: Path) -> None:
    """Write what each command that reads prints."""
    expected: list[dict[str, Any]] = [
        {"command": command, "stdout": old.run(*command)} for command in read_commands(old)
    ]
    path.write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")


def save_folder(folder: Path, path: Path) -> None:
    """Archive a data folder without times and owners."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        member.uid = member.gid = member.mtime = 0
        member.uname = member.gname = ""
        return None if "/.cache" in member.name else member

    with tarfile.open(path, "w:xz", preset=9) as archive:
        archive.add(folder, "home", filter=plain)


def dump_schema(url: str, path: Path) -> None:
    """Write a plain dump that any schema can take."""
    options = ("--no-owner", "--no-privileges", "--rows-per-insert=100", f"--schema={SCHEMA}")
    command = ["pg_dump", *options, f"--dbname={url}"]
    dump = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = [
        line
        for line in dump.replace(f"{SCHEMA}.", "").splitlines()
        if line and not re.match(r"--|SET |\\|SELECT pg_catalog.set_config|CREATE SCHEMA", line)
    ]
    path.write_text("\n".join(lines) + "\n")


def main() -> None:
    """Make the data on SQLite, and on PostgreSQL where a server is named."""
    program, *urls = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "home"
        folder.mkdir()
        old = OldProgram(program, folder, {})
        write_memory(old, Path(name))
        save_folder(folder, FOLDER / "sqlite.tar.xz")
        save_expected(old, FOLDER / "sqlite.json")
    for url in urls:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "home"
            folder.mkdir()
            reset = f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}"
            subprocess.run(["psql", "-qc", reset, url], check=True)
            options = quote(f"-c search_path={SCHEMA}")
            old = OldProgram(program, folder, {"THREADKEEP_DB": f"{url}?options={options}"})
            write_memory(old, Path(name))
            dump_schema(url, folder / "database.sql")
            save_folder(folder, FOLDER / "postgres.tar.xz")
            save_expected(old, FOLDER / "postgres.json")
            subprocess.run(["psql", "-qc", f"DROP SCHEMA {SCHEMA} CASCADE", url], check=True)


if __name__ == "__main__":
    main()
