"""The command that lists facts, as they hold at a time and as they were known at a time."""

from typing import Annotated

import typer

from threadkeep.cli.options import AsJson, Db, Limit, User, load_settings, user_or_login


def facts(
    user: User = None,
    as_of: Annotated[
        str | None,
        typer.Option(help="What held then: a year, a month, a day or a time (2026-03-04)."),
    ] = None,
    told_by: Annotated[
        str | None, typer.Option(help="What had been said by then; later messages are left out.")
    ] = None,
    about: Annotated[
        str | None, typer.Option(help="Only about this person, place or thing.")
    ] = None,
    history: Annotated[
        bool, typer.Option("--history", help="Also what is over, and what was corrected.")
    ] = False,
    limit: Limit = 100,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """List what is true: now, or at another time, or as far as it was known."""
    from threadkeep.cli.listings import list_facts

    list_facts(
        load_settings(db),
        user_or_login(user),
        limit,
        history=history,
        as_of=as_of,
        told_by=told_by,
        about=about,
        as_json=as_json,
    )
