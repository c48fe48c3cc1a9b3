"""`threadkeep doctor` and `threadkeep usage`."""

from typing import Annotated, Literal

import typer

from threadkeep.cli.options import AsJson, Db, User, load_settings, user_or_login


def doctor(
    reindex: Annotated[
        bool, typer.Option("--reindex", help="Make the indexes again from what is stored.")
    ] = False,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Delete what has outlived its time to live.")
    ] = False,
    discard: Annotated[
        bool, typer.Option("--discard", help="Delete records that cannot be read.")
    ] = False,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Check the databases and the vector index."""
    from threadkeep.cli.doctor import run_doctor

    run_doctor(load_settings(db), reindex=reindex, sweep=sweep, discard=discard, as_json=as_json)


def usage(
    user: User = None,
    by: Annotated[
        Literal["day", "thread", "purpose"], typer.Option("--by", help="What is summed up.")
    ] = "day",
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Tell what calls to the model took, in tokens, and the total."""
    from threadkeep.cli.usage import show_usage

    show_usage(load_settings(db), user_or_login(user), by, as_json=as_json)
