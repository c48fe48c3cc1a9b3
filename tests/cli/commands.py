"""The `threadkeep` command as a process, as a person types it."""

import subprocess
import sys

from tests.backends import THREADKEEP

MIRIAM = "My sister Miriam moved to Lisbon in March and keeps two parrots."
KILLED_TURN = """
import asyncio, os, signal, sys
from threadkeep.memory import open_memory
from threadkeep.base.settings import Settings

async def main():
    async with open_memory(Settings()) as memory:
        turn = await memory.say(sys.argv[1], thread="first", user_id="ada")
        async for piece in turn:
            pass
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def run(
    env: dict[str, str], *args: str, text: bytes | None = None, code: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run a command with this standard input; it must end with that exit code."""
    process = subprocess.run(
        [*THREADKEEP, *args], env=env, input=text, capture_output=True, timeout=120, check=False
    )
    out, err = process.stdout.decode(), process.stderr.decode()
    assert "Traceback" not in out + err
    assert process.returncode == code, (process.returncode, out, err)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def ask(env: dict[str, str], user: str, thread: str, text: str) -> str:
    """Return the reply to a message."""
    return run(env, "ask", "-u", user, "-t", thread, text).stdout


def kill_turn(env: dict[str, str], text: str) -> None:
    """Begin a turn of ada's in the thread `first`; kill the process before the turn is stored."""
    command = [sys.executable, "-c", KILLED_TURN, text]
    process = subprocess.run(command, env=env, capture_output=True, timeout=120, check=False)
    assert process.returncode == -9, process.stderr
