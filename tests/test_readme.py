"""The README tells the truth: CI runs its commands, its transcript is what is printed."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^```sh\n(.*?)\n```", README, re.MULTILINE | re.DOTALL)


def test_the_gate_runs_the_readmes_two_commands_as_they_are_written() -> None:
    gate = (ROOT / ".ci/run").read_text().splitlines()
    chat, tests = COMMANDS[:2]
    assert [line.strip() for line in gate].count(chat) == 1
    assert gate.count(tests) == 1


def test_the_transcript_is_what_the_commands_print(tmp_path: Path) -> None:
    (transcript,) = re.findall(r"^```console\n(.*?)\n```", README, re.MULTILINE | re.DOTALL)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "THREADKEEP_"))}
    env = kept | {"THREADKEEP_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    env["THREADKEEP_NO_PROBE"] = "1"
    env["THREADKEEP_NOW"] = "2026-03-04T09:30:00+00:00"
    printed = []
    for line in transcript.splitlines():
        if not line.startswith("$ "):
            continue
        threadkeep, *args = shlex.split(line[2:], comments=True)
        assert threadkeep == "threadkeep"
        command = [sys.executable, "-c", "from threadkeep.cli.app import main; main()", *args]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        printed += [line, *done.stdout.splitlines()]
    assert printed == transcript.splitlines()


def test_the_versions_that_were_tested_name_no_address() -> None:
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9_.\-]+==[A-Za-z0-9_.\-+!]+", line), line


def test_the_imported_package_is_ours() -> None:
    import threadkeep

    assert Path(threadkeep.__path__[0]) == ROOT / "threadkeep"
