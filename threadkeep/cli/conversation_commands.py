"""`threadkeep chat` and `threadkeep ask`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from threadkeep.base.errors import BadInput
from threadkeep.cli.options import (
    AsJson,
    ContextValues,
    ContinueLast,
    Db,
    MemoryPreset,
    Model,
    NoProbe,
    ShowReasoning,
    Thread,
    Url,
    User,
    load_settings,
    user_or_login,
)

if TYPE_CHECKING:
    from threadkeep.cli.connection import Connection


def chat(
    user: User = None,
    thread: Thread = None,
    continue_last: ContinueLast = False,
    model: Model = None,
    memory: MemoryPreset = None,
    context: ContextValues = None,
    db: Db = None,
    no_probe: NoProbe = False,
    url: Url = None,
    reasoning: ShowReasoning = False,
) -> None:
    """Chat in the terminal."""
    from threadkeep.cli.chat import run_chat
    from threadkeep.cli.context_options import context_fields

    _refuse_two_threads(thread, continue_last=continue_last)
    fields = context_fields(context, memory=memory)
    connection = _connect(user, db, url, probe=not no_probe)
    run_chat(connection, thread, continue_last, model, fields, show_reasoning=reasoning)


def ask(
    question: Annotated[
        str | None, typer.Argument(help="The message; stdin when left out.")
    ] = None,
    user: User = None,
    thread: Thread = None,
    continue_last: ContinueLast = False,
    model: Model = None,
    memory: MemoryPreset = None,
    context: ContextValues = None,
    db: Db = None,
    no_probe: NoProbe = False,
    url: Url = None,
    as_json: AsJson = False,
    reasoning: ShowReasoning = False,
) -> None:
    """Ask once and print the reply."""
    from threadkeep.cli.ask import run_ask
    from threadkeep.cli.context_options import context_fields

    _refuse_two_threads(thread, continue_last=continue_last)
    if question is None:
        question = _read_stdin()
    connection = _connect(user, db, url, probe=not no_probe)
    fields = context_fields(context, memory=memory, model=model)
    run_ask(
        connection,
        thread,
        continue_last,
        fields,
        question,
        as_json=as_json,
        show_reasoning=reasoning,
    )


def _refuse_two_threads(thread: str | None, *, continue_last: bool) -> None:
    if thread and continue_last:
        raise BadInput("Both --thread and --continue are given; use one of them.")


def _connect(user: str | None, db: str | None, url: str | None, *, probe: bool) -> "Connection":
    """Return the memory that a conversation uses.

    Raises:
        BadInput: --url is given together with an option that only the server decides.
    """
    from threadkeep.cli.connection import connect

    settings = load_settings(db, probe=probe)
    for option, value in (("--user", user), ("--db", db)):
        if url is not None and value is not None:
            raise BadInput(f"With --url the server knows {option}; leave it out.")
    return connect(settings, url, None if url is not None else user_or_login(user))


def _read_stdin() -> str:
    """Return stdin, decoded as UTF-8; invalid bytes become U+FFFD."""
    if sys.stdin.isatty():
        raise BadInput('There is no message; write threadkeep ask "...", or pipe one in.')
    from threadkeep.base.validation import MAX_MESSAGE_BYTES

    # More than the limit, so that a message that is too long is refused and not cut off.
    return sys.stdin.buffer.read(4 * MAX_MESSAGE_BYTES).decode("utf-8", "replace").strip()
