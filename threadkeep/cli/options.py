"""Options that several commands take, and the user and the settings that they stand for."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from threadkeep.base.errors import BadInput

if TYPE_CHECKING:
    from threadkeep.base.settings import Settings

User = Annotated[
    str | None,
    typer.Option("-u", "--user", help="Whose memory.", show_default="the login name"),
]
Thread = Annotated[
    str | None, typer.Option("-t", "--thread", help="The thread's name.", show_default="a new one")
]
ContinueLast = Annotated[bool, typer.Option("-c", "--continue", help="Go on with the last thread.")]
MemoryPreset = Annotated[
    str | None,
    typer.Option("--memory", help="The preset of the thread's memory.", show_default="hybrid"),
]
ContextValues = Annotated[
    list[str] | None,
    typer.Option("--context", help="KEY=VALUE of a run's context, such as max_tokens=16000."),
]
Model = Annotated[
    str | None,
    typer.Option("-m", "--model", help="offline, or a name of an OpenAI-compatible server."),
]
NoProbe = Annotated[
    bool, typer.Option("--no-probe", help="Look for no model server on this machine.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Db = Annotated[
    str | None,
    typer.Option("--db", help="The database.", show_default="THREADKEEP_DB, or the data folder"),
]
Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        help="A threadkeep server; THREADKEEP_TOKEN says who you are.",
        show_default="this machine's own memory",
    ),
]
OutFile = Annotated[
    Path | None, typer.Option("-o", "--out", help="The file to write.", show_default="stdout")
]
Verify = Annotated[bool, typer.Option("--verify", help="Read every file for what was forgotten.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
KeepMessages = Annotated[
    bool,
    typer.Option(
        "--keep-messages", help="Of a fact: keep what taught it, and never learn it again."
    ),
]
Limit = Annotated[int, typer.Option("-n", "--limit", min=1, max=10_000, help="At most so many.")]

ShowReasoning = Annotated[
    bool, typer.Option("--reasoning", help="Show on stderr what the model reasoned.")
]


def user_or_login(user: str | None) -> str:
    """Return the user of the command line, else the login name.

    Raises:
        BadInput: there is neither.
    """
    from threadkeep.base.settings import login_name
    from threadkeep.base.validation import validate_id

    name = user if user is not None else login_name()
    if name is None:
        raise BadInput("There is no login name to take as the user; name one with --user.")
    return validate_id(name, "user")


def load_settings(
    db: str | None = None, *, probe: bool = True, is_server: bool = False
) -> "Settings":
    """Return the settings of the environment; set clock, time zone and logs of this process.

    `db` replaces THREADKEEP_DB. With `probe` False no local model server is looked for.
    """
    from threadkeep.base.clock import set_clock
    from threadkeep.base.settings import Settings

    arguments: dict[str, Any] = {"checkpoints": db} if db else {}
    if not probe:
        arguments["probe"] = False
    settings = Settings(**arguments)
    set_clock(settings.clock, settings.time_zone)
    if not is_server:
        from threadkeep.cli.logs import route_logs

        route_logs(settings.home)
    return settings
