"""The commands of the chat: lines that begin with a slash."""

import sys
from collections.abc import Coroutine
from typing import Any

from threadkeep.base.errors import BadInput, ThreadkeepError
from threadkeep.base.ids import new_thread_name
from threadkeep.base.validation import validate_id
from threadkeep.cli.background_loop import BackgroundLoop
from threadkeep.cli.chat_session import ChatSession
from threadkeep.cli.exit_codes import print_error
from threadkeep.cli.line_reader import typing_ahead
from threadkeep.cli.output import one_line, print_notice

HELP = (
    "/new [NAME] begins another thread, /retry sends a message again that got no answer, /undo [N] "
    "takes back turns, /fork [NAME] goes on in a copy of this thread, /why tells what the last "
    "answer rests on, /correct ID TEXT corrects a memory, /pin [ID] and /unpin ID choose what is "
    "always shown, /forget ID, /forget thread [NAME] and /forget everything forget for good, "
    "/quit ends (so does Ctrl-D), anything else is a message."
)


EXCERPT = 200
"""Characters of a message that are printed of one that got no answer."""


def run_command(loop: BackgroundLoop, session: ChatSession, line: str) -> bool:
    """Run a line that is empty or a command; return False for a message.

    Raises:
        EOFError: the command is /quit.
    """
    if not line.strip():
        return True
    if len(line.splitlines()) > 1:
        return False  # A paste is a message, whatever its first line is.
    command, _, arguments = line.strip().partition(" ")
    if command == "/quit":
        raise EOFError
    if not (command.startswith("/") and command[1:].isalpha()):
        return False
    try:
        _dispatch(loop, session, command, arguments.strip())
    except ThreadkeepError as error:
        session.exit_code = max(session.exit_code, print_error(error))
    return True


def run_in_session(loop: BackgroundLoop, work: Coroutine[Any, Any, None]) -> None:
    """Wait for `work`, which an interrupt stops."""
    try:
        loop.run(work)
    except KeyboardInterrupt:
        if not sys.stdin.isatty():
            raise
        print_notice("Stopped.")


def send_message(loop: BackgroundLoop, session: ChatSession, text: str | None) -> None:
    """Print the reply to a message, or its error; None sends one again that got no answer."""
    try:
        with typing_ahead():
            run_in_session(loop, session.answer(text))
    except Exception as error:
        session.exit_code = max(session.exit_code, print_error(error))
        if text is not None:
            way = "/retry sends it again." if sys.stdin.isatty() else one_line(text)[:EXCERPT]
            print_notice(f"The message got no answer: {way}")


def _dispatch(loop: BackgroundLoop, session: ChatSession, command: str, arguments: str) -> None:
    match command:
        case "/new":
            session.thread = _thread_name(arguments)
            print_notice(f"Now in thread {session.thread!r}.")
        case "/retry":
            send_message(loop, session, None)
        case "/undo":
            run_in_session(loop, session.undo(_turn_count(arguments)))
        case "/fork":
            run_in_session(loop, session.fork(_thread_name(arguments)))
        case "/forget":
            _forget(loop, session, arguments)
        case "/why" | "/correct" | "/pin" | "/unpin":
            run_in_session(loop, session.run_memory_command(command, arguments))
        case "/help":
            print_notice(HELP)
        case _:
            print_notice(f"There is no command {command!r}. {HELP}")


def _forget(loop: BackgroundLoop, session: ChatSession, arguments: str) -> None:
    """Ask, erase, and print the receipt."""
    from threadkeep.cli.chat_forget import parse_forget
    from threadkeep.cli.forget import confirm, confirmation_of, print_receipt

    options = parse_forget(arguments, session.thread)
    lines = loop.run(session.plan_forget(options.target))
    name = confirmation_of(options.target, session.user_id)
    if not options.yes and not confirm(lines, name):
        print_notice("Nothing was forgotten.")
        return
    receipt = loop.run(session.forget(options.target, verify=options.verify))
    print_receipt(receipt, as_json=False)
    sys.stdout.flush()


def _thread_name(argument: str) -> str:
    return validate_id(argument, "thread") if argument else new_thread_name()


def _turn_count(argument: str) -> int:
    digits = argument.isascii() and argument.isdigit()
    if argument and not (digits and 0 < int(argument) < 1_000):
        raise BadInput(f"{argument!r:.60} is no number of turns; write it like /undo 2.")
    return int(argument or 1)
