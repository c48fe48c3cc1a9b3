"""The README and what runs it: commands, transcript, CI script and tested versions agree."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.backends import ROOT, THREADKEEP, environ_without

CONSTRAINTS = (ROOT / "constraints.txt").read_text().splitlines()
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^```sh\n(.*?)\n```", README, re.MULTILINE | re.DOTALL)


def test_ci_runs_the_readmes_two_commands_as_they_are_written() -> None:
    script = (ROOT / ".ci/run").read_text().splitlines()
    chat, tests = COMMANDS[:2]
    assert [line.strip() for line in script].count(chat) == 1
    assert script.count(tests) == 1


def test_ci_runs_in_a_copy_and_changes_nothing_in_this_folder() -> None:
    script = (ROOT / ".ci/run").read_text()
    copied, commands = script.index('cd "$tree"'), script.index("python3 -m venv")
    assert copied < commands
    assert script.count("rm -rf") == 1
    assert """trap 'rm -rf "$work"' EXIT""" in script


def test_the_transcript_is_what_the_commands_print(tmp_path: Path) -> None:
    (transcript,) = re.findall(r"^```console\n(.*?)\n```", README, re.MULTILINE | re.DOTALL)
    env = environ_without("OPENAI_", "THREADKEEP_")
    env |= {"THREADKEEP_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    env["THREADKEEP_NO_PROBE"] = "1"
    env["THREADKEEP_NOW"] = "2026-03-04T09:30:00+00:00"
    printed = []
    for line in transcript.splitlines():
        if not line.startswith("$ "):
            continue
        threadkeep, *args = shlex.split(line[2:], comments=True)
        assert threadkeep == "threadkeep"
        process = subprocess.run(
            [*THREADKEEP, *args], env=env, capture_output=True, text=True, check=True
        )
        printed += [line, *process.stdout.splitlines()]
    assert printed == transcript.splitlines()


def test_the_tested_versions_are_exact_sorted_and_name_no_address() -> None:
    assert sorted(CONSTRAINTS, key=str.upper) == CONSTRAINTS
    for line in CONSTRAINTS:
        assert re.fullmatch(r"[A-Za-z0-9_.\-]+==[A-Za-z0-9_.\-+!]+", line), line


def test_every_dependency_of_every_extra_has_a_tested_version() -> None:
    tested = {canonicalize_name(line.partition("==")[0]) for line in CONSTRAINTS}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    names = {canonicalize_name(Requirement(item).name) for group in groups for item in group}
    # pip freeze leaves out what virtual environments come with.
    assert names - {"threadkeep", "setuptools"} <= tested


def test_the_imported_package_is_ours() -> None:
    import threadkeep

    assert Path(threadkeep.__path__[0]) == ROOT / "threadkeep"


def test_the_program_of_the_readme_runs_as_it_is_written(tmp_path: Path) -> None:
    (program,) = re.findall(r"^```python\n(.*?)\n```", README, re.MULTILINE | re.DOTALL)
    assert len(program.splitlines()) <= 25
    env = environ_without("OPENAI_", "THREADKEEP_") | {"PYTHONPATH": str(ROOT)}
    env["THREADKEEP_HOME"] = str(tmp_path / "of-the-environment")
    process = subprocess.run(
        [sys.executable, "-c", program], env=env, cwd=tmp_path, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("Bergen it is.")
    assert "I live in Bergen." in process.stdout
    assert (tmp_path / "my-data" / "threadkeep.sqlite").exists()
    assert not (tmp_path / "of-the-environment").exists()
