"""A server as a user starts it, and its users with real clients."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from tests.backends import ROOT
from threadkeep.base.data_folder import create_data_folder
from threadkeep.base.settings import Settings
from threadkeep.stores.access_tokens import add_token
from threadkeep.stores.hybrid import open_store
from threadkeep.stores.namespaces import user_key

PROGRAM = [sys.executable, "-c", "from threadkeep.cli.app import main; main()"]
LANGGRAPH_DEV = [sys.executable, "-m", "langgraph_cli", "dev", "--no-browser", "--no-reload"]
START_SECONDS = 60
MODEL = {"model": "openai/scripted"}
"""The context of runs that the scripted model answers."""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@dataclass
class User:
    """Somebody with a token."""

    name: str
    token: str
    owner: str
    """The first label of their namespaces."""
    client: LangGraphClient
    http: httpx.AsyncClient

    async def say(self, thread: str | None, text: str, **options: Any) -> Any:
        """Send a message, wait for the reply, and return the run's output."""
        run_input: dict[str, Any] = {"messages": [{"role": "user", "content": text}]}
        wait: Any = self.client.runs.wait
        return await wait(thread, "agent", input=run_input, **options)


OPEN_USERS: list[User] = []
"""Users whose connections are closed at the end of a test."""


@dataclass
class Server:
    """A process that serves one data folder."""

    settings: Settings
    env: dict[str, str]
    port: int = field(default_factory=free_port)
    model_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.settings.home.parent / f"server-{self.port}.log"

    def start(self, *options: str, langgraph_dev: bool = False, **env: str) -> None:
        """Start the server and wait until it answers, with langgraph dev if that is set."""
        serve_command = [*PROGRAM, "serve", "--port", str(self.port), *options]
        dev_command = [
            *LANGGRAPH_DEV,
            "--config",
            str(ROOT / "langgraph.json"),
            "--port",
            str(self.port),
        ]
        folder = self.settings.home.parent / "cwd"
        folder.mkdir(exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                dev_command if langgraph_dev else serve_command,
                env=self.env | env,
                cwd=folder,
                stdout=log,
                stderr=log,
            )
        self._wait()

    def stop(self) -> int:
        """Stop the server as Ctrl-C does; return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def kill(self) -> None:
        """Kill the server."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def log_text(self) -> str:
        """Return everything that the server printed."""
        return self.log.read_text(errors="replace")

    async def user(self, name: str) -> User:
        """Add a token for a user, while the server runs or not; return the user."""
        async with open_store(self.settings) as store:
            token, owner = await add_token(store, name), await user_key(store, name)
        return self.as_user(name, token, owner)

    def as_user(self, name: str, token: str, owner: str = "") -> User:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = get_client(url=self.url, headers=headers)
        http = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=60)
        OPEN_USERS.append(User(name, token, owner, client, http))
        return OPEN_USERS[-1]

    def run(self, *args: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command in the terminal, on the same data folder."""
        process = subprocess.run(
            [*PROGRAM, *args],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert process.returncode == code, (process.stdout, process.stderr)
        return process

    def _wait(self) -> None:
        started = time.monotonic()
        while time.monotonic() - started < START_SECONDS:
            assert self.process is not None
            assert self.process.poll() is None, self.log_text()
            try:
                if httpx.get(f"{self.url}/ok", timeout=1).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise AssertionError(f"the server does not answer: {self.log_text()[-3_000:]}")


def new_server(folder: Path) -> Server:
    """Return a server with an empty data folder, not started yet."""
    settings = Settings(home=folder / "home")
    create_data_folder(settings)
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "THREADKEEP_"))}
    server = Server(settings, {})
    server.env = environ | {
        "HOME": str(folder),
        "USER": "owner",
        "LOGNAME": "owner",
        "PYTHONPATH": str(ROOT),
        "THREADKEEP_HOME": str(settings.home),
        "THREADKEEP_MODEL": "offline",
        "THREADKEEP_NO_PROBE": "1",
        "OPENAI_API_KEY": "a-key",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{server.model_port}/v1",
        "LANGGRAPH_CLI_NO_ANALYTICS": "1",
    }
    return server


async def wait_until(condition: Any, seconds: float = 30) -> Any:
    """Wait until an async condition returns something true; return that."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        if result := await condition():
            return result
        await asyncio.sleep(0.05)
    raise AssertionError(f"not true within {seconds} s")


def texts(state: Mapping[str, Any]) -> list[str]:
    """Return the texts of a state's messages."""
    return [message["content"] for message in state["messages"]]
