"""Every test starts with an empty data folder, no key, and connections to this machine only."""

import ipaddress
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests.backends import ALLOWED_SKIPS, REQUIRED
from threadkeep.base.data_folder import create_data_folder
from threadkeep.base.settings import Settings

# A busy machine is no fault of a test.
hypothesis_settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("any machine")


class OutsideConnection(AssertionError):
    """A test tried to reach another machine."""


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run of all servers in which a test was skipped, unless the reason is allowed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if REQUIRED and reporter is not None and not hasattr(session.config, "workerinput"):
        for report in reporter.stats.get("skipped", []):
            reason = report.longrepr[2].removeprefix("Skipped: ")
            if not reason.startswith(ALLOWED_SKIPS):
                reporter.write_line(f"{report.nodeid} was skipped: {reason}", red=True)
                session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    connect, connect_ex, lookup = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.getaddrinfo,
    )

    def check(address: Any) -> None:
        if isinstance(address, tuple) and not _is_loopback(str(address[0])):
            raise OutsideConnection(f"a connection to {address[0]!r}")

    def checked_connect(self: socket.socket, address: Any) -> None:
        check(address)
        connect(self, address)

    def checked_connect_ex(self: socket.socket, address: Any) -> int:
        check(address)
        return connect_ex(self, address)

    def checked_lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host and not _is_loopback(host.decode() if isinstance(host, bytes) else str(host)):
            raise OutsideConnection(f"a look-up of {host!r}")
        return lookup(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", checked_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", checked_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", checked_lookup)


@pytest.fixture(autouse=True, scope="session")
def _can_be_interrupted() -> None:
    """Handle SIGINT here and in programs that tests start; background jobs of a shell ignore it."""
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
    # Ignore model servers that run on this machine.
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
