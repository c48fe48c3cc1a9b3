"""A server reports a lost database and recovers with it; several processes stop together."""

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


class Proxy:
    """A TCP proxy in front of a database, whose connections can be cut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def disconnect(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0.1)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        database_reader, database_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, database_writer}
        await asyncio.gather(_pump(reader, database_writer), _pump(database_reader, writer))


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
async def proxied(url: str) -> AsyncIterator[tuple[str, Proxy]]:
    parts = urlsplit(url)
    proxy = Proxy(parts.hostname or "127.0.0.1", parts.port or 5432)
    await proxy.listen()
    proxy_address = parts._replace(netloc=f"{parts.username}@127.0.0.1:{proxy.port}")
    try:
        yield urlunsplit(proxy_address), proxy
    finally:
        await proxy.disconnect()


def environ(folder: Path, url: str) -> dict[str, str]:
    return {
        "THREADKEEP_HOME": str(folder / "home"),
        "THREADKEEP_DB": url,
        "THREADKEEP_MODEL": "offline",
        "THREADKEEP_NO_PROBE": "1",
    }


async def test_a_server_is_not_ready_while_its_database_is_unreachable(tmp_path: Path) -> None:
    async with fresh_database("postgres") as direct_url, proxied(direct_url) as (url, proxy):
        env = environ(tmp_path, url)
        async with open_servers(env, tmp_path) as (server,), httpx.AsyncClient() as client:
            await proxy.disconnect()
            response = await client.get(f"{server.url}/ready", timeout=30)
            assert response.status_code == 503
            assert response.json()["detail"].count(".") >= 1
            assert (await client.get(f"{server.url}/ok")).status_code == 200
            await proxy.listen()
            for _ in range(100):
                if (await client.get(f"{server.url}/ready", timeout=30)).status_code == 200:
                    break
                await asyncio.sleep(0.2)
            else:
                raise AssertionError(server.log.read_text())


async def test_a_server_without_a_database_ends_with_a_sentence(
    tmp_path: Path,
) -> None:
    env = environ(tmp_path, "postgresql://root@127.0.0.1:9/test") | {"PYTHONPATH": str(ROOT)}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [*COMMAND, "serve", "--workers", "2", "--port", port]
    process = await asyncio.to_thread(
        subprocess.run, command, env=env, capture_output=True, text=True, timeout=60
    )
    assert process.returncode == 5
    assert "cannot be used" in process.stderr
    assert len(process.stderr.splitlines()) == 1


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
                    body = {"assistant_id": "agent", "if_not_exists": "create"}
                    body["input"] = {"messages": f"My parrot {number} is grey."}  # type: ignore[assignment]
                    path = f"/threads/0b8fe22a-6a5e-4a57-8f3e-2d54d8a1f7a{number}/runs/wait"
                    return await client.post(path, json=body, timeout=60)

            for response in await asyncio.gather(*(talk(number) for number in range(4))):
                assert response.status_code == 200, response.text
            assert await asyncio.to_thread(server.stop) in (0, -signal.SIGTERM)
            assert "Traceback" not in server.log.read_text()


def test_the_server_needs_no_licensed_package() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT], cwd=ROOT, check=True, timeout=60)
