"""`threadkeep chat`: a conversation in the terminal.

The main thread reads from the terminal; the graph runs in a background event loop. So the prompt
appears before the heavy packages are imported, and again while bookkeeping goes on.
"""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from threadkeep.base.ids import new_thread_name
from threadkeep.base.validation import validate_id
from threadkeep.cli.background_loop import BackgroundLoop
from threadkeep.cli.chat_commands import run_command, send_message
from threadkeep.cli.chat_session import ChatSession
from threadkeep.cli.context_options import validate_fields
from threadkeep.cli.exit_codes import INTERRUPTED, print_error
from threadkeep.cli.line_reader import read_text
from threadkeep.cli.output import one_line, print_notice
from threadkeep.process import run

if TYPE_CHECKING:
    from threadkeep.cli.connection import Connection

PROMPT = "> "
EXCERPT = 200
"""Characters of a line that are printed of one that was not sent."""
MAX_LINES = 100
"""Lines that are named one by one."""


def run_chat(
    connection: "Connection",
    thread: str | None,
    continue_last: bool,
    model: str | None,
    fields: Mapping[str, Any],
    *,
    show_reasoning: bool = False,
) -> None:
    """Talk until the person ends the chat; a chat on a pipe ends with the code of what failed."""
    name = validate_id(thread, "thread") if thread is not None else new_thread_name()
    context = validate_fields({"model": model, **fields} if model is not None else fields)
    connection.prepare()
    user_phrase, model_phrase = run(connection.greeting(model))
    thread_phrase = "your last thread" if continue_last else f"thread {name!r}"
    print_notice(f"{user_phrase}, {thread_phrase}, {model_phrase}. /help for help.")
    loop, session = (
        BackgroundLoop(),
        ChatSession(connection, context, name, show_reasoning=show_reasoning),
    )
    opening = loop.start(session.open(continue_last=continue_last))
    line: str | None = None
    try:
        while (line := read_line()) is not None:
            opening.result()
            if not run_command(loop, session, line):
                send_message(loop, session, line)
        opening.result()
    except EOFError:
        pass
    except BaseException as error:
        if sys.stdin.isatty():
            raise
        # Nobody is there to send the lines again: name them.
        interrupted = isinstance(error, KeyboardInterrupt)
        session.exit_code = INTERRUPTED if interrupted else print_error(error)
        print_unsent_lines(line)
    finally:
        loop.run(session.close())
    if session.exit_code and not sys.stdin.isatty():
        raise typer.Exit(session.exit_code)


def read_line() -> str | None:
    """Return the next text or line, None at the end of input."""
    if sys.stdin.isatty():
        return read_text(PROMPT)
    line = sys.stdin.readline()
    return line.rstrip("\r\n") if line else None


def print_unsent_lines(line: str | None) -> None:
    """Name the line that was read last and those behind it, on a pipe."""
    lines = [*([line] if line else []), *(rest.rstrip("\r\n") for rest in sys.stdin)]
    lines = [text for text in lines if text.strip()]
    for text in lines[:MAX_LINES]:
        print_notice(f"Not sent: {one_line(text)[:EXCERPT]}")
    if len(lines) > MAX_LINES:
        print_notice(f"Not sent: {len(lines) - MAX_LINES:,} more lines.")
