"""`threadkeep serve --workers N`: the server for many users, in several processes."""

import importlib.util
import os
from pathlib import Path

from threadkeep.base.data_folder import create_data_folder
from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings, environment_of
from threadkeep.cli.dev_server import check_port
from threadkeep.cli.output import print_notice
from threadkeep.memory import open_memory
from threadkeep.process import run

APP = "threadkeep.server.http.app:app"
HEALTHCHECK_SECONDS = 60
"""A worker that does not answer for so long is replaced; imports can take seconds."""


def run_http_server(settings: Settings, host: str, port: int, workers: int) -> None:
    """Serve until stopped; on Ctrl-C or SIGTERM it lets turns under way finish.

    Raises:
        BadInput: its packages are not installed, or the port is taken.
        StorageFailed: a database cannot be used.
    """
    if not all(importlib.util.find_spec(name) for name in ("starlette", "uvicorn")):
        raise BadInput(
            "The server is not installed; install threadkeep with its extra [production]."
        )
    check_port(host, port)
    create_data_folder(settings)
    run(_check_databases(settings))
    print_notice(
        f"API http://{host}:{port} in {workers} process{'es' * (workers > 1)} on "
        f"{settings.checkpoint_database}. "
        "Everybody needs a token; threadkeep user add NAME makes one."
    )
    import uvicorn

    os.environ.update(environment_of(settings))  # Its worker processes read it.
    uvicorn.run(
        APP,
        app_dir=str(Path(__file__).parents[2]),
        host=host,
        port=port,
        workers=workers,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(settings.stop_seconds)),
        timeout_worker_healthcheck=HEALTHCHECK_SECONDS,
    )


async def _check_databases(settings: Settings) -> None:
    """Open them once, so that an error is printed once and one process creates the tables."""
    async with open_memory(settings):
        pass
