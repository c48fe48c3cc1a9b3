"""The wheel holds one package, and a project with folders named like ours can use it."""

import os
import socket
import subprocess
import tarfile
import time
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from tests.backends import ROOT
from tests.packaging.conftest import Distributions, build_wheel, run

START_SECONDS = 60


def names_in(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_holds_one_package_with_each_file_once(distributions: Distributions) -> None:
    names = names_in(distributions.wheel)
    assert len(names) == len(set(names))
    top = {name.partition("/")[0] for name in names}
    assert top == {"threadkeep", "-".join(distributions.wheel.name.split("-")[:2]) + ".dist-info"}
    source = {
        path.relative_to(ROOT).as_posix()
        for folder in ("threadkeep", "graph", "nodes", "checkpoints")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    expected = {name if name.startswith("threadkeep/") else f"threadkeep/{name}" for name in source}
    assert {name for name in names if name.startswith("threadkeep/")} == expected
    for name in ("py.typed", "base/o200k_base.tiktoken.gz", "transfer/report.html"):
        assert f"threadkeep/{name}" in names
    for name in ("server/langgraph.json", "graph/agent.py", "nodes/call_model.py"):
        assert f"threadkeep/{name}" in names
    assert "threadkeep/checkpoints/savers.py" in names


def test_the_sdist_builds_the_same_wheel(distributions: Distributions, tmp_path: Path) -> None:
    with tarfile.open(distributions.sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    rebuilt = build_wheel(source, tmp_path / "wheel")

    def contents(wheel: Path) -> dict[str, int]:
        with zipfile.ZipFile(wheel) as archive:
            return {item.filename: item.CRC for item in archive.infolist()}

    assert contents(rebuilt) == contents(distributions.wheel)


def test_a_project_with_folders_named_like_ours_imports_both(project: Path) -> None:
    python = project / ".venv/bin/python"
    path = run(python, "-c", "import threadkeep; print(threadkeep.__file__)", cwd=project)
    assert Path(path.strip()).is_relative_to(project / ".venv")
    assert "Usage" in run(python, "-m", "threadkeep", "--help", cwd=project)
    assert "Usage" in run(project / ".venv/bin/threadkeep", "--help", cwd=project)
    assert "1 passed" in run(python, "-m", "pytest", "-p", "no:cacheprovider", cwd=project)


@contextmanager
def langgraph_dev(project: Path) -> Iterator[str]:
    """Run `langgraph dev` in the project and yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url, log = f"http://127.0.0.1:{port}", project / "server.log"
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("THREADKEEP_", "OPENAI_", "PYTHON"))
    }
    env |= {"THREADKEEP_HOME": str(project / "memory"), "LANGGRAPH_CLI_NO_ANALYTICS": "1"}
    command = [".venv/bin/python", "-m", "langgraph_cli", "dev", "--no-browser", "--no-reload"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*command, "--port", str(port)], cwd=project, env=env, stdout=output, stderr=output
        )
    try:
        end = time.monotonic() + START_SECONDS
        while True:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            try:
                if httpx.get(f"{url}/ok", timeout=1).status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.2)
        yield url
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="module")
def url(project: Path) -> Iterator[str]:
    with langgraph_dev(project) as address:
        yield address


@asynccontextmanager
async def clients(url: str) -> AsyncIterator[tuple[LangGraphClient, LangGraphClient]]:
    """Yield the clients of two users."""
    async with (
        get_client(url=url, headers={"x-user": "ada"}) as ada,
        get_client(url=url, headers={"x-user": "bob"}) as bob,
    ):
        yield ada, bob


async def say(client: LangGraphClient, thread: str, text: str) -> str:
    """Run one turn and return the reply."""
    message = {"role": "user", "content": text}
    wait: Any = client.runs.wait
    output = await wait(thread, "agent", input={"messages": [message]})
    return str(output["messages"][-1]["content"])


async def test_langgraph_dev_runs_the_projects_graph_on_our_saver_and_store(
    project: Path, url: str
) -> None:
    async with clients(url) as (ada, bob):
        first, second = [(await ada.threads.create())["thread_id"] for _ in range(2)]
        assert await say(ada, first, "I live in Bergen.") == "thread: []; memory: []"
        reply = await say(ada, first, "Where do I live?")
        assert reply == "thread: ['I live in Bergen.']; memory: ['I live in Bergen.']"
        reply = await say(ada, second, "Where do I live?")
        assert reply.startswith("thread: []; memory: [")
        assert "I live in Bergen." in reply
        foreign = (await bob.threads.create())["thread_id"]
        assert await say(bob, foreign, "Where do I live?") == "thread: []; memory: []"
        state: Any = await ada.threads.get_state(first)
        assert len(state["values"]["messages"]) == 4
    assert (project / "memory/threadkeep.sqlite").stat().st_size > 0
