"""`threadkeep serve`, and `threadkeep user`: the access tokens of servers."""

from typing import Annotated

import typer

from threadkeep.base.errors import BadInput
from threadkeep.cli.options import AsJson, Db, NoProbe, load_settings, user_or_login

user_app = typer.Typer(
    help="Give and take tokens for the server.", no_args_is_help=True, rich_markup_mode=None
)
UserName = Annotated[str, typer.Argument(help="The user's name.")]


def serve(
    host: Annotated[str, typer.Option("--host", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The port.")] = 2024,
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=1000, help="Runs at once.")] = 10,
    user: Annotated[
        str | None,
        typer.Option(
            "-u",
            "--user",
            help="Who asks on this machine without a token.",
            show_default="the login name, until there are tokens",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=1,
            max=100,
            help="For many users: without langgraph dev, in so many processes.",
            show_default=False,
        ),
    ] = None,
    db: Db = None,
    no_probe: NoProbe = False,
) -> None:
    """Serve the same memory over HTTP, and to LangGraph Studio."""
    from threadkeep.base.validation import validate_id
    from threadkeep.cli.dev_server import run_dev_server

    settings = load_settings(db, probe=not no_probe, is_server=True)
    if workers is not None:
        from threadkeep.cli.http_server import run_http_server

        if user is not None:
            raise BadInput("With --workers everybody needs a token; leave --user out.")
        run_http_server(settings, host, port, workers)
        return
    local_user = None if user is None else validate_id(user, "user")
    run_dev_server(settings, host, port, jobs, local_user)


@user_app.command("add")
def user_add(name: UserName, db: Db = None) -> None:
    """Make a token; it is printed once, and kept only as a digest."""
    from threadkeep.cli.user_tokens import add_user

    add_user(load_settings(db), user_or_login(name))


@user_app.command("list")
def user_list(db: Db = None, as_json: AsJson = False) -> None:
    """List whose tokens there are."""
    from threadkeep.cli.user_tokens import list_users

    list_users(load_settings(db), as_json=as_json)


@user_app.command("revoke")
def user_revoke(name: UserName, db: Db = None) -> None:
    """Make all tokens of a user worthless; the memory stays."""
    from threadkeep.cli.user_tokens import revoke_user

    revoke_user(load_settings(db), user_or_login(name))
