"""How failures end: one sentence on stderr and an exit code. The rest goes to a log file."""

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import typer
from typer.exceptions import TyperException

from threadkeep.base.errors import ThreadkeepError

INTERRUPTED = 130


def exit_code(command: Callable[[], Any]) -> int:
    """Run `command` and return 0, or the code of what went wrong after saying it."""
    try:
        result = command()
    except typer.Exit as left:
        return left.exit_code
    except TyperException as error:
        return misused(error)
    except (typer.Abort, KeyboardInterrupt):
        complain("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough of it; stdout must not be flushed again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return code_of(error)
    return result if isinstance(result, int) else 0


def misused(error: TyperException) -> int:
    """Say how the command line is wrong, as Typer words it."""
    show = getattr(error, "show", None)
    if callable(show):
        show()
    else:
        complain(str(error))
    return int(getattr(error, "exit_code", 2))


def code_of(error: BaseException) -> int:
    """Say what went wrong and return its exit code."""
    if isinstance(error, ThreadkeepError):
        complain(str(error))
        return error.exit_code
    complain(f"Something went wrong inside ({type(error).__name__}){_logged(error)}.")
    return 1


def complain(sentence: str) -> None:
    """Write one line to stderr."""
    print(f"threadkeep: {' '.join(sentence.split())}", file=sys.stderr)  # noqa: T201


def _logged(error: BaseException) -> str:
    from threadkeep.base.settings import Settings

    path = Settings().home / "errors.log"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as log:
            log.writelines(traceback.format_exception(error))
    except OSError:
        return ""
    return f"; what exactly is in {str(path)!r}"
