"""`threadkeep memory`: what is remembered, why it was told, and how to correct and pin it."""

from typing import Annotated

import typer

from threadkeep.cli.options import (
    AsJson,
    Choices,
    Db,
    KeepMessages,
    Limit,
    User,
    Verify,
    Yes,
    named,
    settings_of,
)

memory = typer.Typer(
    help="See, explain, correct and pin what is remembered.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Id = Annotated[
    str,
    typer.Argument(help="The id of a memory; its beginning or end is enough.", show_default=False),
]


@memory.command("list")
def memory_list(
    user: User = None,
    limit: Limit = 100,
    every: Annotated[
        bool, typer.Option("--all", help="Also facts that something newer has replaced.")
    ] = False,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """List the facts and entities that are known, with their ids."""
    from threadkeep.cli.show import list_memory

    list_memory(settings_of(db), named(user), limit, superseded=every, as_json=as_json)


@memory.command("search")
def memory_search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    user: User = None,
    limit: Limit = 10,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Search what was said and what is known."""
    from threadkeep.cli.show import search_memory

    search_memory(settings_of(db), named(user), query, limit, as_json=as_json)


@memory.command("why")
def memory_why(
    thread: Annotated[
        str | None,
        typer.Option("-t", "--thread", help="The thread's name.", show_default="the last used"),
    ] = None,
    user: User = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Tell what the last answer of a thread was shown of the past, and what spoke for it."""
    from threadkeep.cli.memory import show_why

    show_why(settings_of(db), named(user), thread, as_json=as_json)


@memory.command("correct")
def memory_correct(
    which: Id,
    text: Annotated[str, typer.Argument(help="What it should say.", show_default=False)],
    user: User = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Correct a message or a fact; what it said before stays in its history."""
    from threadkeep.cli.memory import correct_memory

    correct_memory(settings_of(db), named(user), which, text, as_json=as_json)


@memory.command("history")
def memory_history(which: Id, user: User = None, db: Db = None, as_json: AsJson = False) -> None:
    """Print what a memory has said, the oldest wording first."""
    from threadkeep.cli.memory import show_history

    show_history(settings_of(db), named(user), which, as_json=as_json)


@memory.command("pin")
def memory_pin(which: Id, user: User = None, context: Choices = None, db: Db = None) -> None:
    """Show a memory to the model in every turn."""
    from threadkeep.cli.memory import pin_memory

    pin_memory(settings_of(db), named(user), which, context)


@memory.command("unpin")
def memory_unpin(which: Id, user: User = None, db: Db = None) -> None:
    """Show a memory only when it is recalled."""
    from threadkeep.cli.memory import unpin_memory

    unpin_memory(settings_of(db), named(user), which)


@memory.command("pins")
def memory_pins(
    user: User = None, context: Choices = None, db: Db = None, as_json: AsJson = False
) -> None:
    """List what is pinned, the earliest first, and what does not fit."""
    from threadkeep.cli.memory import show_pins

    show_pins(settings_of(db), named(user), context, as_json=as_json)


@memory.command("forget")
def memory_forget(
    which: Id,
    keep_messages: KeepMessages = False,
    user: User = None,
    verify: Verify = False,
    yes: Yes = False,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Forget a message, a fact or an entity for good, with what rests on it; print a receipt."""
    from threadkeep.cli.forget import forget_one

    forget_one(
        settings_of(db),
        named(user),
        "memory",
        which,
        keep=keep_messages,
        verify=verify,
        yes=yes,
        as_json=as_json,
    )
