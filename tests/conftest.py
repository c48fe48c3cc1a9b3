"""What every test starts from: an empty home, no key, and no connection but to this machine."""

import ipaddress
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from threadkeep.base.settings import Settings, create_data_folder


class OutsideConnection(AssertionError):
    """A test tried to reach another machine."""


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    connect, connect_ex, lookup = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.getaddrinfo,
    )

    def checked(address: Any) -> None:
        if isinstance(address, tuple) and not _is_loopback(str(address[0])):
            raise OutsideConnection(f"a connection to {address[0]!r}")

    def guarded(self: socket.socket, address: Any) -> None:
        checked(address)
        connect(self, address)

    def guarded_ex(self: socket.socket, address: Any) -> int:
        checked(address)
        return connect_ex(self, address)

    def guarded_lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host and not _is_loopback(host.decode() if isinstance(host, bytes) else str(host)):
            raise OutsideConnection(f"a look-up of {host!r}")
        return lookup(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_ex)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_lookup)


@pytest.fixture(autouse=True, scope="session")
def _can_be_interrupted() -> None:
    """Hear Ctrl-C, as do the programs that are started: a shell's background jobs ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "THREADKEEP_CHROMA_URL",
        "THREADKEEP_DB",
        "THREADKEEP_ALLOW_DOWNLOAD",
        "THREADKEEP_EMBEDDINGS",
        "THREADKEEP_MODEL",
        "THREADKEEP_NOW",
        "THREADKEEP_STOP_SECONDS",
        "THREADKEEP_STORE_DB",
        "THREADKEEP_TOKEN",
        "THREADKEEP_TTL_DAYS",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("THREADKEEP_HOME", str(tmp_path / "home"))
    # What else listens on the machine that runs the tests is nothing of theirs.
    monkeypatch.setenv("THREADKEEP_NO_PROBE", "1")


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """An empty data folder of its own."""
    settings = Settings(home=tmp_path / "home")
    create_data_folder(settings)
    return settings


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
