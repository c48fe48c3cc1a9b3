"""`threadkeep memory`: see, explain, correct, pin and forget what is remembered."""

from typing import Annotated

import typer

from threadkeep.cli.options import (
    AsJson,
    ContextValues,
    Db,
    KeepMessages,
    Limit,
    User,
    Verify,
    Yes,
    load_settings,
    user_or_login,
)

memory_app = typer.Typer(
    help="See, explain, correct and pin what is remembered.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
MemoryId = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="The id of a memory; its beginning or end is enough.",
        show_default=False,
    ),
]


@memory_app.command("list")
def memory_list(
    user: User = None,
    limit: Limit = 100,
    superseded: Annotated[
        bool, typer.Option("--all", help="Also facts that something newer has replaced.")
    ] = False,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """List the facts and entities that are known, with their ids."""
    from threadkeep.cli.listings import list_memory

    list_memory(
        load_settings(db), user_or_login(user), limit, superseded=superseded, as_json=as_json
    )


@memory_app.command("search")
def memory_search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    user: User = None,
    limit: Limit = 10,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Search what was said and what is known."""
    from threadkeep.cli.listings import search_memory

    search_memory(load_settings(db), user_or_login(user), query, limit, as_json=as_json)


@memory_app.command("why")
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
    from threadkeep.cli.why import show_why

    show_why(load_settings(db), user_or_login(user), thread, as_json=as_json)


@memory_app.command("correct")
def memory_correct(
    memory_id: MemoryId,
    text: Annotated[str, typer.Argument(help="What it should say.", show_default=False)],
    user: User = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Correct a message or a fact; what it said before stays in its history."""
    from threadkeep.cli.corrections import correct_memory

    correct_memory(load_settings(db), user_or_login(user), memory_id, text, as_json=as_json)


@memory_app.command("history")
def memory_history(
    memory_id: MemoryId, user: User = None, db: Db = None, as_json: AsJson = False
) -> None:
    """Print what a memory has said, the oldest wording first."""
    from threadkeep.cli.corrections import show_history

    show_history(load_settings(db), user_or_login(user), memory_id, as_json=as_json)


@memory_app.command("pin")
def memory_pin(
    memory_id: MemoryId, user: User = None, context: ContextValues = None, db: Db = None
) -> None:
    """Show a memory to the model in every turn."""
    from threadkeep.cli.pins import pin_memory

    pin_memory(load_settings(db), user_or_login(user), memory_id, context)


@memory_app.command("unpin")
def memory_unpin(memory_id: MemoryId, user: User = None, db: Db = None) -> None:
    """Show a memory only when it is recalled."""
    from threadkeep.cli.pins import unpin_memory

    unpin_memory(load_settings(db), user_or_login(user), memory_id)


@memory_app.command("pins")
def memory_pins(
    user: User = None, context: ContextValues = None, db: Db = None, as_json: AsJson = False
) -> None:
    """List what is pinned, the earliest first, and what does not fit."""
    from threadkeep.cli.pins import show_pins

    show_pins(load_settings(db), user_or_login(user), context, as_json=as_json)


@memory_app.command("forget")
def memory_forget(
    memory_id: MemoryId,
    keep_messages: KeepMessages = False,
    user: User = None,
    verify: Verify = False,
    yes: Yes = False,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Forget a message, a fact or an entity for good, with what rests on it; print a receipt."""
    from threadkeep.cli.forget import run_forget

    run_forget(
        load_settings(db),
        user_or_login(user),
        "memory",
        memory_id,
        keep_messages=keep_messages,
        verify=verify,
        yes=yes,
        as_json=as_json,
    )
