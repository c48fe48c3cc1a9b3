"""Nothing leaves this machine: not the tests, and not the product where nobody asked for it."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Runs in a process of its own: any look-up or connection that is not to loopback is written down.
WATCHED = """
import socket, sys
def outside(host):
    host = host.decode() if isinstance(host, bytes) else str(host)
    return host not in ("", "None", "localhost", "::1") and not host.startswith("127.")
def watch(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple) and outside(args[1][0]):
        print("OUTSIDE", args[1], file=sys.stderr, flush=True)
    if event == "socket.getaddrinfo" and outside(args[0]):
        print("OUTSIDE", args[0], file=sys.stderr, flush=True)
sys.addaudithook(watch)
from threadkeep.cli.app import main
main()
"""


def test_a_test_that_reaches_outside_fails() -> None:
    with pytest.raises(AssertionError, match=r"a look-up of 'example\.invalid'"):
        socket.create_connection(("example.invalid", 80))
    with socket.socket() as made, pytest.raises(AssertionError, match=r"192\.0\.2\.1"):
        made.connect(("192.0.2.1", 80))


def test_the_product_connects_to_nothing_outside(tmp_path: Path) -> None:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("OPENAI_")}
    env = kept | {"THREADKEEP_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    for question in ("My sister Miriam moved to Lisbon in March.", "Where does my sister live?"):
        done = subprocess.run(
            [sys.executable, "-c", WATCHED, "ask", "-u", "ada", "-t", "first", question],
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
        assert "OUTSIDE" not in done.stderr
    assert "Lisbon" in done.stdout


@pytest.mark.skipif(not shutil.which("unshare"), reason="not permitted: there is no unshare")
def test_it_works_where_there_is_no_network_at_all(tmp_path: Path) -> None:
    alone = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False)
    if alone.returncode:
        pytest.skip("not permitted: this machine allows no network namespace")
    env = os.environ | {"THREADKEEP_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable,
        "-c",
        "from threadkeep.cli.app import main; main()",
        "ask",
        "-u",
        "ada",
    ]
    for question in ("I live in Bergen.", "Where do I live?"):
        done = subprocess.run(
            ["unshare", "-rn", *command, question],
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
    assert "Bergen" in done.stdout
