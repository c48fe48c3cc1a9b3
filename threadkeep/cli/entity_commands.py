"""`threadkeep entities`: people, places and things, and who is who."""

from typing import Annotated

import typer

from threadkeep.cli.options import AsJson, Db, Limit, User, load_settings, user_or_login

entities_app = typer.Typer(
    help="See people, places and things; say who is who.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="A name, or an id.", show_default=False),
]


@entities_app.command("list")
def entities_list(
    user: User = None, limit: Limit = 100, db: Db = None, as_json: AsJson = False
) -> None:
    """List people, places and things, the most mentioned first."""
    from threadkeep.cli.entities import list_entities

    list_entities(load_settings(db), user_or_login(user), limit, as_json=as_json)


@entities_app.command("merge")
def entities_merge(
    name: Name,
    other: Annotated[
        str, typer.Argument(metavar="OTHER", help="What it is also called.", show_default=False)
    ],
    user: User = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Let OTHER be another name of NAME, with all that is known of both."""
    from threadkeep.cli.entities import change_entities

    change_entities(
        load_settings(db),
        lambda memory, id_: memory.merge_entities(name, other, user_id=id_),
        user_or_login(user),
        as_json=as_json,
    )


@entities_app.command("split")
def entities_split(
    name: Name,
    new: Annotated[
        str | None,
        typer.Argument(
            metavar="NEW", help="With --message: the name of the second one.", show_default=False
        ),
    ] = None,
    message: Annotated[
        list[str] | None,
        typer.Option(help="A message in which NAME means NEW; may be repeated."),
    ] = None,
    user: User = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Let another name be an entity of its own, or tell two of one name apart."""
    from threadkeep.cli.entities import change_entities

    change_entities(
        load_settings(db),
        lambda memory, id_: memory.split_entity(name, new, message or (), user_id=id_),
        user_or_login(user),
        as_json=as_json,
    )


@entities_app.command("undo")
def entities_undo(
    change: Annotated[
        str, typer.Argument(metavar="ID", help="An id of entities changes.", show_default=False)
    ],
    user: User = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Take back a merge or a split; all is as before."""
    from threadkeep.cli.entities import change_entities

    change_entities(
        load_settings(db),
        lambda memory, id_: memory.undo_entity_change(change, user_id=id_),
        user_or_login(user),
        as_json=as_json,
    )


@entities_app.command("changes")
def entities_changes(user: User = None, db: Db = None, as_json: AsJson = False) -> None:
    """List merges and splits, the oldest first."""
    from threadkeep.cli.entities import list_changes

    list_changes(load_settings(db), user_or_login(user), as_json=as_json)
