"""The databases that tests run against; each test has its own part of them."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock
from urllib.parse import quote, urlsplit

import pytest

from threadkeep.base.settings import Settings
from threadkeep.graph.context import Context

ROOT = Path(__file__).parents[1]
POSTGRES = os.environ.get("THREADKEEP_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432/test")
REDIS = os.environ.get("THREADKEEP_TEST_REDIS", "redis://127.0.0.1:6379/0")
REQUIRED = list(filter(None, os.environ.get("THREADKEEP_TEST_REQUIRE", "").split(",")))
"""Servers whose absence is a failure, not a skip; where any is named, other skips fail too."""
ALLOWED_SKIPS = ("not applicable", "not permitted")
"""How the reason of a skip begins that is no fault of the machine's setup."""
THREADKEEP = [sys.executable, "-m", "threadkeep"]
"""The command as a process."""
BACKENDS = ("sqlite", "memory", "postgres", "redis")


@asynccontextmanager
async def fresh_database(kind: str) -> AsyncIterator[str]:
    """Yield the address of an empty database of this kind; it is deleted at the end."""
    if kind == "memory":
        yield "memory://"
    elif kind == "sqlite":
        with TemporaryDirectory() as folder:
            yield f"sqlite:///{Path(folder) / 'threadkeep.sqlite'}"
    elif kind == "postgres":
        async with fresh_schema() as url:
            yield url
    else:
        async with fresh_redis() as url:
            yield url


@asynccontextmanager
async def fresh_schema() -> AsyncIterator[str]:
    """Yield an address of PostgreSQL with a schema of its own."""
    need("postgres", POSTGRES)
    import psycopg

    name = f"threadkeep_{secrets.token_hex(6)}"
    async with await psycopg.AsyncConnection.connect(POSTGRES, autocommit=True) as conn:
        await conn.execute(f'CREATE SCHEMA "{name}"')
        try:
            join = "&" if "?" in POSTGRES else "?"
            yield f"{POSTGRES}{join}options={quote(f'-c search_path={name}')}"
        finally:
            await conn.execute(f'DROP SCHEMA "{name}" CASCADE')


@asynccontextmanager
async def fresh_redis() -> AsyncIterator[str]:
    """Yield an address of an empty Redis database that no other test uses."""
    need("redis", REDIS)
    from valkey.asyncio import Valkey

    base = REDIS.rpartition("/")[0]
    for number in range(15, 0, -1):
        client = Valkey.from_url(f"{base}/{number}".replace("redis://", "valkey://"))
        if await client.dbsize() == 0 and await client.set("taken", "1", nx=True, ex=600):
            break
        await client.aclose()
    else:
        pytest.fail("All databases of the Redis for tests are taken.")
    try:
        yield f"{base}/{number}"
    finally:
        await client.flushdb()
        await client.aclose()


@contextmanager
def chroma_server(folder: Path, port: int = 0) -> Iterator[str]:
    """Run a Chroma server of its own, on that port or any free one, and yield its address."""
    program = str(Path(sys.executable).with_name("chroma"))
    if not Path(program).exists():
        absent("chroma", "there is no program 'chroma' beside this Python")
    if not port:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    command = [program, "run", "--host", "127.0.0.1", "--port", str(port), "--path", str(folder)]
    server = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder.parent
    )
    try:
        for _ in range(200):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        else:
            absent("chroma", "'chroma run' does not answer")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def absent(name: str, reason: str) -> None:
    """Skip the test, or fail where the server is required."""
    if name in REQUIRED:
        pytest.fail(f"{reason}, and THREADKEEP_TEST_REQUIRE asks for {name}")
    pytest.skip(reason)


def need(name: str, address: str) -> None:
    """Skip the test where the server is absent, or fail where it is required."""
    parts = urlsplit(address)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 0), 2):
            return
    except OSError as error:
        reason = f"no {name} at {parts.hostname}:{parts.port} ({error})"
    absent(name, reason)


def environ_without(*prefixes: str) -> dict[str, str]:
    """Return the environment of this process without the variables that begin so."""
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}


def environ_of(settings: Settings) -> dict[str, str]:
    """Return the environment in which another process works with the same data."""
    env = {"PYTHONPATH": str(ROOT), "THREADKEEP_HOME": str(settings.home)}
    if settings.checkpoints:
        env["THREADKEEP_DB"] = settings.checkpoints.url
    if settings.chroma_url:
        env["THREADKEEP_CHROMA_URL"] = settings.chroma_url
    return env


def settings_in(environ: Mapping[str, str]) -> Settings:
    """Return the settings of a process with this environment."""
    with mock.patch.dict(os.environ, environ, clear=True):
        return Settings()


def say_options(context: Context) -> dict[str, Any]:
    """Return a context as keyword arguments of `Memory.say`."""
    values = context.model_dump(exclude_unset=True, exclude={"user_id"})
    return {"user_id": context.user_id, "context": values}
