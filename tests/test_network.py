"""Neither the tests nor the product connect to other machines unless a user configures it."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.backends import ROOT, THREADKEEP, environ_without

# A program that prints each look-up and connection that is not to loopback.
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
    with socket.socket() as client, pytest.raises(AssertionError, match=r"192\.0\.2\.1"):
        client.connect(("192.0.2.1", 80))


def test_the_product_connects_to_nothing_outside(tmp_path: Path) -> None:
    env = environ_without("OPENAI_") | {
        "THREADKEEP_HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(ROOT),
    }
    for question in ("My sister Miriam moved to Lisbon in March.", "Where does my sister live?"):
        process = subprocess.run(
            [sys.executable, "-c", WATCHED, "ask", "-u", "ada", "-t", "first", question],
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
        assert "OUTSIDE" not in process.stderr
    assert "Lisbon" in process.stdout


@pytest.mark.skipif(not shutil.which("unshare"), reason="not permitted: there is no unshare")
def test_it_works_without_any_network(tmp_path: Path) -> None:
    probe = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("not permitted: this machine allows no network namespace")
    env = os.environ | {"THREADKEEP_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    command = [*THREADKEEP, "ask", "-u", "ada"]
    for question in ("I live in Bergen.", "Where do I live?"):
        process = subprocess.run(
            ["unshare", "-rn", *command, question],
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
    assert "Bergen" in process.stdout
