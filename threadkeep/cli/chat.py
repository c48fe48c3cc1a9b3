"""`threadkeep chat`: a conversation in the terminal.

The main thread reads from the terminal; the graph runs in a background event loop. So the prompt
appears before the heavy packages are imported, and again while bookkeeping goes on.
"""

import contextlib
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from threadkeep.base.ids import new_thread_name
from threadkeep.base.validation import validate_id
from threadkeep.cli.background_loop import BackgroundLoop
from threadkeep.cli.chat_commands import run_command, run_in_session
from threadkeep.cli.chat_session import ChatSession
from threadkeep.cli.context_options import validate_fields
from threadkeep.cli.output import print_notice
from threadkeep.process import run

if TYPE_CHECKING:
    from threadkeep.cli.connection import Connection

PROMPT = "> "


def run_chat(
    connection: "Connection",
    thread: str | None,
    continue_last: bool,
    model: str | None,
    fields: Mapping[str, Any],
) -> None:
    """Talk until the person ends the chat."""
    name = validate_id(thread, "thread") if thread is not None else new_thread_name()
    context = validate_fields({"model": model, **fields} if model is not None else fields)
    connection.prepare()
    user_phrase, model_phrase = run(connection.greeting(model))
    thread_phrase = "your last thread" if continue_last else f"thread {name!r}"
    print_notice(f"{user_phrase}, {thread_phrase}, {model_phrase}. /help for help.")
    loop, session = BackgroundLoop(), ChatSession(connection, context, name)
    opening = loop.start(session.open(continue_last=continue_last))
    try:
        while (line := read_line()) is not None:
            opening.result()
            if not run_command(loop, session, line):
                run_in_session(loop, session.answer(line))
        opening.result()
    except EOFError:
        pass
    finally:
        loop.run(session.close())


def read_line() -> str | None:
    """Return the next line, None at the end of input."""
    if sys.stdin.isatty():
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401  (arrow keys and history in input())
        try:
            return input(PROMPT)
        except EOFError:
            sys.stderr.write("\n")
            return None
    line = sys.stdin.readline()
    return line.rstrip("\n") if line else None
