"""The commands of the chat: lines that begin with a slash."""

import sys
from collections.abc import Coroutine
from typing import Any

from threadkeep.base.errors import BadInput, ThreadkeepError
from threadkeep.base.ids import new_thread_name
from threadkeep.base.validation import validate_id
from threadkeep.cli.background_loop import BackgroundLoop
from threadkeep.cli.chat_session import ChatSession
from threadkeep.cli.output import print_notice

HELP = (
    "/new [NAME] begins another thread, /undo [N] takes back turns, /fork [NAME] goes on in a copy "
    "of this thread, /why tells what the last answer rests on, /correct ID TEXT corrects a memory, "
    "/pin [ID] and /unpin ID choose what is always shown, /forget ID, /forget thread [NAME] and "
    "/forget everything forget for good, /quit ends (so does Ctrl-D), anything "
    "else is a message."
)


def run_command(loop: BackgroundLoop, session: ChatSession, line: str) -> bool:
    """Run a line that is empty or a command; return False for a message.

    Raises:
        EOFError: the command is /quit.
    """
    command, _, arguments = line.strip().partition(" ")
    if not command:
        return True
    if command == "/quit":
        raise EOFError
    if not (command.startswith("/") and command[1:].isalpha()):
        return False
    try:
        _dispatch(loop, session, command, arguments.strip())
    except ThreadkeepError as error:
        print_notice(str(error))
    return True


def run_in_session(loop: BackgroundLoop, work: Coroutine[Any, Any, None]) -> None:
    """Wait for `work`; print its error, or that an interrupt stopped it."""
    try:
        loop.run(work)
    except KeyboardInterrupt:
        print_notice("Stopped.")
    except ThreadkeepError as error:
        print_notice(str(error))


def _dispatch(loop: BackgroundLoop, session: ChatSession, command: str, arguments: str) -> None:
    match command:
        case "/new":
            session.thread = _thread_name(arguments)
            print_notice(f"Now in thread {session.thread!r}.")
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
    from threadkeep.cli.forget import confirm, print_receipt

    options = parse_forget(arguments, session.thread)
    lines = loop.run(session.plan_forget(options.target))
    if not options.yes and not confirm(lines):
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
