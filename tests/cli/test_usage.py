"""`threadkeep usage`, `--no-probe`, and a model server on this machine, each as a process."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.backends import ROOT, environ_without
from threadkeep.testing import scripted_server

# The ports of other programs are replaced by the port of a scripted server.
PROBING = """
import sys
from threadkeep.models import local_servers
local_servers.LOCAL_PORTS = (int(sys.argv.pop(1)),)
from threadkeep.cli.app import main
main()
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return environ_without("OPENAI_", "THREADKEEP_") | {
        "THREADKEEP_HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(ROOT),
    }


def run(env: dict[str, str], port: int, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROBING, str(port), *args],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


async def test_a_local_server_is_detected_and_announced_and_its_calls_are_summed_up(
    env: dict[str, str],
) -> None:
    async with scripted_server(["llama3"]) as server:
        ask = ("ask", "-u", "ada", "-t", "first", "hello")
        process = await asyncio.to_thread(run, env, server.port, *ask)
        assert "llama3, because it was found on http://127.0.0.1" in process.stderr
        assert process.stdout == "hello\n"
        silent = await asyncio.to_thread(run, env, server.port, *ask, "--no-probe")
        assert "found" not in silent.stderr
        count = len(server.requests)
        forbidden = env | {"THREADKEEP_NO_PROBE": "1"}
        silent = await asyncio.to_thread(run, forbidden, server.port, *ask)
        assert "found" not in silent.stderr
        assert len(server.requests) == count
        by_thread = await asyncio.to_thread(
            run, env, server.port, "usage", "-u", "ada", "--by", "thread", "--json"
        )
        plain = await asyncio.to_thread(run, env, server.port, "usage", "-u", "ada")
        other = await asyncio.to_thread(run, env, server.port, "usage", "-u", "bob")
    rows = [json.loads(line) for line in by_thread.stdout.splitlines()]
    assert [row["thread"] for row in rows] == ["first", "total"]
    # Three answers, and the extractions that the server was called for.
    assert rows[-1]["calls"] == count + 2
    assert plain.stdout.splitlines()[-1].startswith(f"total  {count + 2} calls, ")
    assert other.stdout == ""
