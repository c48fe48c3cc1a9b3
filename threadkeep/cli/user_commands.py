"""`threadkeep user`: who may ask a server."""

from typing import Annotated

import typer

from threadkeep.cli.options import AsJson, Db, named, settings_of

users = typer.Typer(
    help="Give and take tokens for the server.", no_args_is_help=True, rich_markup_mode=None
)


@users.command("add")
def user_add(name: Annotated[str, typer.Argument(help="The user's name.")], db: Db = None) -> None:
    """Make a token; it is printed once, and kept only as a digest."""
    from threadkeep.cli.users import add_user

    add_user(settings_of(db), named(name))


@users.command("list")
def user_list(db: Db = None, as_json: AsJson = False) -> None:
    """List whose tokens there are."""
    from threadkeep.cli.users import list_users

    list_users(settings_of(db), as_json=as_json)


@users.command("revoke")
def user_revoke(
    name: Annotated[str, typer.Argument(help="The user's name.")], db: Db = None
) -> None:
    """Make all tokens of a user worthless; the memory stays."""
    from threadkeep.cli.users import revoke_user

    revoke_user(settings_of(db), named(name))
