"""The examples of docs/migration.md."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.backends import ROOT, THREADKEEP, environ_without, fresh_database

GUIDE = (ROOT / "docs/migration.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)\n```", GUIDE, re.MULTILINE | re.DOTALL)


def run(env: dict[str, str], *command: str, check: bool = True) -> str:
    process = subprocess.run(
        command,
        env=environ_without("OPENAI_", "THREADKEEP_") | env | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not check or process.returncode == 0, process.stderr
    return process.stdout


def test_each_example_runs(tmp_path: Path) -> None:
    assert len(EXAMPLES) == 2
    printed = []
    for number, example in enumerate(EXAMPLES):
        program = "import asyncio\nasync def main():\n" + textwrap.indent(example, "    ")
        end = "\n    print([row['text'] for row in messages], threads[0]['state'])"
        program += (end if number == 0 else "") + "\nasyncio.run(main())"
        printed.append(run({"THREADKEEP_HOME": str(tmp_path)}, sys.executable, "-c", program))
    assert printed[0].startswith("['I live in Bergen.'")
    assert printed[0].endswith("{'step': 2}\n")
    assert "is not this user's" in printed[1]


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
async def test_state_in_a_database_is_listed_shown_changed_and_deleted(
    kind: str, tmp_path: Path
) -> None:
    async with fresh_database(kind) as url:
        env = {"THREADKEEP_HOME": str(tmp_path), "THREADKEEP_DB": url}

        def threadkeep(*args: str, check: bool = True) -> str:
            return run(env, *THREADKEEP, *args, "-u", "ada", check=check)

        for text in ("I live in Bergen.", "I work at Initech."):
            threadkeep("ask", "-t", "trip", text)
        changed = threadkeep(
            "threads",
            "set",
            "trip",
            "--state",
            "step=2",
            "--metadata",
            "tag=x",
            "--title",
            "Norway",
            "--ttl-days",
            "7",
            "--json",
        )
        for field in ('"step": "2"', '"tag": "x"', '"title": "Norway"', '"ttl_minutes": 10080'):
            assert field in changed
        threads = threadkeep("threads", "list", "--json")
        for field in ('"created"', '"last_used"', '"turns": 2', '"name": "trip"'):
            assert field in threads
        messages = threadkeep("threads", "show", "trip", "-n", "2").splitlines()
        assert messages[0].endswith("user: I work at Initech.")
        assert '"state": {}' in threadkeep("threads", "set", "trip", "--state", "step=", "--json")
        threadkeep("threads", "delete", "trip", "--yes")
        assert threadkeep("threads", "list") == ""
        assert "step" not in threadkeep(
            "threads", "set", "trip", "--state", "nonsense", check=False
        )
