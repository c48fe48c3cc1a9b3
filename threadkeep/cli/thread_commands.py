"""`threadkeep threads`: list, read, set, fork, undo and forget threads."""

from typing import Annotated

import typer

from threadkeep.cli.options import (
    AsJson,
    ContextValues,
    Db,
    Limit,
    MemoryPreset,
    User,
    Verify,
    Yes,
    load_settings,
    user_or_login,
)

threads_app = typer.Typer(
    help="List and read threads.", no_args_is_help=True, rich_markup_mode=None
)
ThreadName = Annotated[str, typer.Argument(help="The thread's name.")]


@threads_app.command("list")
def threads_list(
    user: User = None, limit: Limit = 50, db: Db = None, as_json: AsJson = False
) -> None:
    """List threads, the last used first."""
    from threadkeep.cli.listings import list_threads

    list_threads(load_settings(db), user_or_login(user), limit, as_json=as_json)


@threads_app.command("show")
def threads_show(
    name: ThreadName,
    user: User = None,
    limit: Limit = 1000,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Print the newest messages of a thread, in order."""
    from threadkeep.cli.listings import show_thread

    show_thread(load_settings(db), user_or_login(user), name, limit, as_json=as_json)


@threads_app.command("prompt")
def threads_prompt(
    name: ThreadName,
    user: User = None,
    memory: MemoryPreset = None,
    context: ContextValues = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Print what a model is shown of a thread, and how many tokens are still free."""
    from threadkeep.cli.thread_prompt import show_prompt

    settings = load_settings(db, probe=False)
    show_prompt(settings, user_or_login(user), name, memory, context, as_json=as_json)


@threads_app.command("set")
def threads_set(
    name: ThreadName,
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
    context: ContextValues = None,
    user: User = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Set a thread's title, state, metadata, time to live, and what its turns use."""
    from threadkeep.cli.thread_changes import set_thread

    set_thread(
        load_settings(db),
        user_or_login(user),
        name,
        title,
        ttl_days,
        state,
        metadata,
        memory,
        context,
        as_json=as_json,
    )


@threads_app.command("fork")
def threads_fork(
    name: ThreadName,
    new: Annotated[str, typer.Argument(help="The name of the new thread.")],
    at: Annotated[
        int | None,
        typer.Option("--at", min=1, help="After this turn of it.", show_default="the last"),
    ] = None,
    user: User = None,
    db: Db = None,
) -> None:
    """Begin a thread with what was said in another; memory goes with the one that is used."""
    from threadkeep.cli.thread_changes import fork_thread

    fork_thread(load_settings(db), user_or_login(user), name, new, at)


@threads_app.command("undo")
def threads_undo(
    name: ThreadName,
    count: Annotated[int, typer.Option("-n", "--turns", min=1, help="So many turns.")] = 1,
    user: User = None,
    db: Db = None,
) -> None:
    """Take back the newest turns of a thread, and what was learned from them."""
    from threadkeep.cli.thread_changes import undo_turns

    undo_turns(load_settings(db), user_or_login(user), name, count)


@threads_app.command("retry")
def threads_retry(
    name: ThreadName,
    memory: MemoryPreset = None,
    context: ContextValues = None,
    user: User = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Send a message of a thread that got no answer again, and print the reply."""
    from threadkeep.cli.ask import run_retry
    from threadkeep.cli.connection import connect
    from threadkeep.cli.context_options import context_fields

    connection = connect(load_settings(db), None, user_or_login(user))
    run_retry(connection, name, context_fields(context, memory=memory), as_json=as_json)


@threads_app.command("discard")
def threads_discard(name: ThreadName, user: User = None, db: Db = None) -> None:
    """Drop the messages of a thread that got no answer, and print them."""
    from threadkeep.cli.thread_changes import discard_messages

    discard_messages(load_settings(db), user_or_login(user), name)


@threads_app.command("delete")
def threads_delete(
    name: ThreadName,
    user: User = None,
    verify: Verify = False,
    yes: Yes = False,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Forget a thread, and what was learned from it alone; the same as forget --thread."""
    from threadkeep.cli.forget import run_forget

    run_forget(
        load_settings(db),
        user_or_login(user),
        "thread",
        name,
        verify=verify,
        yes=yes,
        as_json=as_json,
    )
