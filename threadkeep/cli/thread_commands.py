"""`threadkeep threads`: list, read, set, fork, undo and forget threads."""

from typing import Annotated

import typer

from threadkeep.cli.options import (
    AsJson,
    Choices,
    Db,
    Limit,
    MemoryPreset,
    User,
    Verify,
    Yes,
    named,
    settings_of,
)

threads = typer.Typer(help="List and read threads.", no_args_is_help=True, rich_markup_mode=None)


@threads.command("list")
def threads_list(
    user: User = None, limit: Limit = 50, db: Db = None, as_json: AsJson = False
) -> None:
    """List threads, the last used first."""
    from threadkeep.cli.show import list_threads

    list_threads(settings_of(db), named(user), limit, as_json=as_json)


@threads.command("show")
def threads_show(
    name: Annotated[str, typer.Argument(help="The thread's name.")],
    user: User = None,
    limit: Limit = 1000,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Print the newest messages of a thread, in order."""
    from threadkeep.cli.show import show_thread

    show_thread(settings_of(db), named(user), name, limit, as_json=as_json)


@threads.command("prompt")
def threads_prompt(
    name: Annotated[str, typer.Argument(help="The thread's name.")],
    user: User = None,
    memory: MemoryPreset = None,
    context: Choices = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Print what a model is shown of a thread, and how many tokens are still free."""
    from threadkeep.cli.context_options import choices_of
    from threadkeep.cli.show_prompt import show_prompt

    chosen = choices_of(memory, context)
    show_prompt(settings_of(db, probe=False), named(user), name, chosen, as_json=as_json)


@threads.command("set")
def threads_set(
    name: Annotated[str, typer.Argument(help="The thread's name.")],
    title: Annotated[str | None, typer.Option("--title", help="What it is about.")] = None,
    ttl_days: Annotated[
        float | None,
        typer.Option("--ttl-days", min=0.0001, help="Forget it so long after its last use."),
    ] = None,
    state: Annotated[
        list[str] | None, typer.Option("--state", help="KEY=VALUE; KEY= takes the key away.")
    ] = None,
    metadata: Annotated[
        list[str] | None, typer.Option("--metadata", help="KEY=VALUE; KEY= takes the key away.")
    ] = None,
    memory: MemoryPreset = None,
    context: Choices = None,
    user: User = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Set a thread's title, state, metadata, time to live, and what its turns use."""
    from threadkeep.cli.threads import set_thread

    set_thread(
        settings_of(db),
        named(user),
        name,
        title,
        ttl_days,
        state,
        metadata,
        memory,
        context,
        as_json=as_json,
    )


@threads.command("fork")
def threads_fork(
    name: Annotated[str, typer.Argument(help="The thread's name.")],
    new: Annotated[str, typer.Argument(help="The name of the new thread.")],
    at: Annotated[
        int | None,
        typer.Option("--at", min=1, help="After this turn of it.", show_default="the last"),
    ] = None,
    user: User = None,
    db: Db = None,
) -> None:
    """Begin a thread with what was said in another; memory goes with the one that is used."""
    from threadkeep.cli.threads import fork_thread

    fork_thread(settings_of(db), named(user), name, new, at)


@threads.command("undo")
def threads_undo(
    name: Annotated[str, typer.Argument(help="The thread's name.")],
    count: Annotated[int, typer.Option("-n", "--turns", min=1, help="So many turns.")] = 1,
    user: User = None,
    db: Db = None,
) -> None:
    """Take back the newest turns of a thread, and what was learned from them."""
    from threadkeep.cli.threads import undo_turns

    undo_turns(settings_of(db), named(user), name, count)


@threads.command("delete")
def threads_delete(
    name: Annotated[str, typer.Argument(help="The thread's name.")],
    user: User = None,
    verify: Verify = False,
    yes: Yes = False,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Forget a thread, and what was learned from it alone; the same as forget --thread."""
    from threadkeep.cli.forget import forget_one

    forget_one(
        settings_of(db),
        named(user),
        "thread",
        name,
        verify=verify,
        yes=yes,
        as_json=as_json,
    )
