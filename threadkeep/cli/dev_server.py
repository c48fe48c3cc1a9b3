"""`threadkeep serve`: LangGraph's development server over the same memory."""

import importlib.util
import os
import socket
import sys
from importlib import resources
from pathlib import Path

from threadkeep.base.data_folder import create_data_folder
from threadkeep.base.errors import BadInput
from threadkeep.base.settings import LOCAL_USER, Settings, environment_of, login_name
from threadkeep.cli.output import print_notice
from threadkeep.cli.server_folder import choose_folder
from threadkeep.models.choice import choose_model
from threadkeep.process import run
from threadkeep.stores.access_tokens import tokens_were_made
from threadkeep.stores.hybrid import open_store

STUDIO = "https://smith.langchain.com/studio/?baseUrl="
QUIET = {
    "LANGGRAPH_CLI_NO_ANALYTICS": "1",
    "LANGGRAPH_NO_VERSION_CHECK": "true",
    "LANGSMITH_TRACING": "false",
}
"""What keeps the server from sending anything anywhere."""


def run_dev_server(
    settings: Settings, host: str, port: int, jobs: int, local_user: str | None
) -> None:
    """Replace this process by the server; it stops with Ctrl-C.

    Raises:
        BadInput: its packages are not installed, or the port is taken.
    """
    if importlib.util.find_spec("langgraph_api") is None:
        raise BadInput("The server is not installed; install threadkeep with its extra [server].")
    check_port(host, port)
    create_data_folder(settings)
    address = f"http://{host}:{port}"
    print_notice(f"API {address}, its documentation {address}/docs.")
    print_notice(f"LangGraph Studio {STUDIO}{address}")
    print_notice(run(_describe(settings, local_user)))
    folder = choose_folder(settings.server, port)
    config = folder / "langgraph.json"
    config.write_text(resources.files("threadkeep.server").joinpath("langgraph.json").read_text())
    local = {LOCAL_USER: local_user} if local_user else {}
    env = {"LOG_LEVEL": "WARNING", **os.environ, **environment_of(settings), **local, **QUIET}
    sys.stderr.flush()
    os.chdir(folder)
    os.execve(sys.executable, _command(config, host, port, jobs), env)  # noqa: S606


async def _describe(settings: Settings, local_user: str | None) -> str:
    """Return in a sentence or two which model answers, and who may use this server."""
    model = (await choose_model(settings, None)).reason
    async with open_store(settings) as store:
        has_tokens = await tokens_were_made(store)
    user = local_user or settings.local_user or (None if has_tokens else login_name())
    if user is None:
        return f"Model {model}. Everybody needs a token; threadkeep user add NAME makes one."
    return (
        f"Model {model}. On this machine no token is needed: whoever asks is {user!r}. "
        "Others need one; threadkeep user add NAME makes it."
    )


def _command(config: Path, host: str, port: int, jobs: int) -> list[str]:
    options = {"config": config, "host": host, "port": port, "n-jobs-per-worker": jobs}
    arguments = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "langgraph_cli", "dev", "--no-browser", "--no-reload", *arguments]


def check_port(host: str, port: int) -> None:
    """Check that a server can listen there.

    Raises:
        BadInput: the port is taken, or the host is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise BadInput(
            f"Nothing can listen at {host}:{port} ({cause}); choose another with --port or --host."
        ) from None
