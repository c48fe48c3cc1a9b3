"""The distributions of this tree, built once, and a foreign project that installs the wheel."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.backends import ROOT

collect_ignore = ["project"]
NOT_TRACKED = shutil.ignore_patterns(
    ".*", "*.egg-info", "build", "dist", "__pycache__", "node_modules"
)
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_sdist(sys.argv[1]))"


def run(*command: str | Path, cwd: Path, code: int = 0) -> str:
    """Run a program without our settings and paths; return what it printed."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("THREADKEEP_", "OPENAI_", "PYTHON"))
    }
    process = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env | {"HOME": str(cwd), "PIP_NO_INDEX": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert process.returncode == code, process.stdout
    return process.stdout


def build_wheel(source: Path, target: Path) -> Path:
    """Build a wheel of a source tree, without network."""
    options = ("--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "wheel", *options, "-w", target, source, cwd=source)
    (wheel,) = target.glob("*.whl")
    return wheel


@dataclass(frozen=True)
class Distributions:
    """The files that are published."""

    wheel: Path
    sdist: Path


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """Build them from a copy, so that nothing is left in this tree and nothing in it is used."""
    folder = tmp_path_factory.mktemp("build")
    source = shutil.copytree(ROOT, folder / "source", symlinks=True, ignore=NOT_TRACKED)
    run(sys.executable, "-c", BUILD, folder, cwd=source)
    (sdist,) = folder.glob("*.tar.gz")
    return Distributions(build_wheel(source, folder / "wheel"), sdist)


@pytest.fixture(scope="session")
def project(distributions: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with folders named like ours, and the wheel in its own virtual environment."""
    folder = shutil.copytree(
        Path(__file__).with_name("project"), tmp_path_factory.mktemp("p") / "app"
    )
    run(sys.executable, "-m", "venv", "--without-pip", ".venv", cwd=folder)
    python = folder / ".venv/bin/python"
    install = ("--python", python, "install", "--no-deps", distributions.wheel)
    run(sys.executable, "-m", "pip", *install, cwd=folder)
    (site_packages,) = folder.glob(".venv/lib/python*/site-packages")
    # The dependencies of this interpreter come after; a path file does not run theirs.
    shared = [
        path for path in sys.path if Path(path) != ROOT and any(Path(path).glob("*.dist-info"))
    ]
    (site_packages / "dependencies.pth").write_text("\n".join(shared))
    return folder
