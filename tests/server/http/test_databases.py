"""A server whose database goes away says so, and comes back with it; several stop together."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from benchmarks.serving import COMMAND, open_servers
from tests.backends import ROOT, fresh_database, settings_in
from threadkeep.stores.access_tokens import add_token
from threadkeep.stores.hybrid import open_store

WITHOUT = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("langgraph_api", "langgraph_runtime_inmem", "langgraph_cli"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Refuse())
import threadkeep.server.http.app
"""


class Wire:
    """A way to a database that can be cut."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._ends: set[asyncio.StreamWriter] = set()
        self._open: asyncio.Server | None = None
        self.port = 0

    async def join(self) -> None:
        self._open = await asyncio.start_server(self._connect, "127.0.0.1", self.port)
        self.port = self._open.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        assert self._open is not None
        self._open.close()
        for end in tuple(self._ends):
            end.transport.abort()
        await asyncio.sleep(0.1)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._to)
        self._ends |= {writer, far_writer}
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def wired(url: str) -> AsyncIterator[tuple[str, Wire]]:
    parts = urlsplit(url)
    wire = Wire(parts.hostname or "127.0.0.1", parts.port or 5432)
    await wire.join()
    there = parts._replace(netloc=f"{parts.username}@127.0.0.1:{wire.port}")
    try:
        yield urlunsplit(there), wire
    finally:
        await wire.cut()


def environ(folder: Path, url: str) -> dict[str, str]:
    return {
        "THREADKEEP_HOME": str(folder / "home"),
        "THREADKEEP_DB": url,
        "THREADKEEP_MODEL": "offline",
        "THREADKEEP_NO_PROBE": "1",
    }


async def test_a_server_whose_database_is_gone_is_not_ready_and_comes_back(tmp_path: Path) -> None:
    async with fresh_database("postgres") as straight, wired(straight) as (url, wire):
        env = environ(tmp_path, url)
        async with open_servers(env, tmp_path) as (server,), httpx.AsyncClient() as client:
            await wire.cut()
            gone = await client.get(f"{server.url}/ready", timeout=30)
            assert gone.status_code == 503
            assert gone.json()["detail"].count(".") >= 1
            assert (await client.get(f"{server.url}/ok")).status_code == 200
            await wire.join()
            for _ in range(100):
                if (await client.get(f"{server.url}/ready", timeout=30)).status_code == 200:
                    break
                await asyncio.sleep(0.2)
            else:
                raise AssertionError(server.log.read_text())


async def test_a_database_that_is_not_there_is_told_in_a_sentence_at_the_start(
    tmp_path: Path,
) -> None:
    env = environ(tmp_path, "postgresql://root@127.0.0.1:9/test") | {"PYTHONPATH": str(ROOT)}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [*COMMAND, "serve", "--workers", "2", "--port", port]
    done = await asyncio.to_thread(
        subprocess.run, command, env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 5
    assert "cannot be used" in done.stderr
    assert len(done.stderr.splitlines()) == 1


async def test_two_processes_behind_one_port_serve_and_stop_together(tmp_path: Path) -> None:
    async with fresh_database("postgres") as url:
        env = environ(tmp_path, url)
        options = ("--workers", "2")
        async with open_servers(env, tmp_path, options=options) as (server,):
            async with open_store(settings_in(env)) as store:
                token = await add_token(store, "ada")
            headers = {"Authorization": f"Bearer {token}"}

            async def talk(number: int) -> Any:
                async with httpx.AsyncClient(base_url=server.url, headers=headers) as client:
                    told = {"assistant_id": "agent", "if_not_exists": "create"}
                    told["input"] = {"messages": f"My parrot {number} is grey."}  # type: ignore[assignment]
                    path = f"/threads/0b8fe22a-6a5e-4a57-8f3e-2d54d8a1f7a{number}/runs/wait"
                    return await client.post(path, json=told, timeout=60)

            for answer in await asyncio.gather(*(talk(number) for number in range(4))):
                assert answer.status_code == 200, answer.text
            assert await asyncio.to_thread(server.stop) in (0, -signal.SIGTERM)
            assert "Traceback" not in server.log.read_text()


def test_the_server_needs_nothing_that_has_a_licence() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT], cwd=ROOT, check=True, timeout=60)
