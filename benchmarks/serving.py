"""Server processes started by `threadkeep serve --workers 1`, for measurements and tests."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
START_SECONDS = 120
STOP_SECONDS = 60
COMMAND = [sys.executable, "-c", "from threadkeep.cli.app import main; main()"]


@dataclass
class Serving:
    """A running server process."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> int:
        """Send SIGTERM; return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)


@asynccontextmanager
async def open_servers(
    env: Mapping[str, str], folder: Path, count: int = 1, options: Sequence[str] = ()
) -> AsyncIterator[list[Serving]]:
    """Start so many servers on the same data, wait until they are ready, stop them at the end."""
    async with AsyncExitStack() as stack:
        servers = [start_server(env, folder / f"server-{n}.log", options) for n in range(count)]
        for server in servers:
            # In a thread: a server that ends may need a response from this event loop.
            stack.push_async_callback(asyncio.to_thread, _end, server.process)
        await asyncio.gather(*(ready(server) for server in servers))
        yield servers


def start_server(env: Mapping[str, str], log: Path, options: Sequence[str] = ()) -> Serving:
    """Start a server on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*COMMAND, "serve", "--workers", "1", "--port", str(port), *options]
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": str(ROOT), **env}, stdout=out, stderr=out
        )
    return Serving(f"http://127.0.0.1:{port}", process, log)


async def ready(server: Serving) -> None:
    """Wait until the server is ready.

    Raises:
        AssertionError: the server ended, or does not answer.
    """
    async with httpx.AsyncClient() as client:
        for _ in range(START_SECONDS * 10):
            assert server.process.poll() is None, server.log.read_text()
            try:
                response = await client.get(f"{server.url}/ready", timeout=10)
                if response.status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
    raise AssertionError(server.log.read_text())


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
