"""`threadkeep serve --workers N`: the server for many users, in so many processes."""

import importlib.util
import os
import sys
from pathlib import Path

from cli.complaints import complain
from cli.serve import check_port
from graph.errors import BadInput
from graph.settings import Settings, environ_for, make_home

APP = "server.production:app"
HEALTHCHECK_SECONDS = 60
"""A worker that says nothing for so long is replaced; imports and a busy machine take seconds."""


def run_workers(settings: Settings, host: str, port: int, workers: int) -> None:
    """Become the server; on Ctrl-C or SIGTERM it lets turns under way finish.

    Raises:
        BadInput: its packages are not installed, or the port is taken.
    """
    if not all(importlib.util.find_spec(each) for each in ("starlette", "uvicorn")):
        raise BadInput(
            "The server is not installed; install threadkeep with its extra [production]."
        )
    check_port(host, port)
    make_home(settings)
    complain(
        f"API http://{host}:{port} in {workers} process{'es' * (workers > 1)} on "
        f"{settings.checkpoint_database}. "
        "Everybody needs a token; threadkeep user add NAME makes one."
    )
    sys.stderr.flush()
    command = _command(settings, host, port, workers)
    os.execve(sys.executable, command, {**os.environ, **environ_for(settings)})  # noqa: S606


def _command(settings: Settings, host: str, port: int, workers: int) -> list[str]:
    options = {
        "app-dir": Path(__file__).parents[1],
        "host": host,
        "port": port,
        "workers": workers,
        "log-level": "warning",
        "timeout-graceful-shutdown": max(1, round(settings.stop_seconds)),
        "timeout-worker-healthcheck": HEALTHCHECK_SECONDS,
    }
    told = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "uvicorn", APP, "--no-access-log", "--no-server-header", *told]
