"""How the command ends: an exit code, and for a failure one sentence on stderr."""

import os
import sys
import traceback
from collections.abc import Callable
from io import StringIO
from typing import Any

import typer
from typer.exceptions import TyperException

from threadkeep.base.errors import ThreadkeepError
from threadkeep.cli.logs import FILE, append_to_log
from threadkeep.cli.output import print_notice, write_text

INTERRUPTED = 130


def exit_code(command: Callable[[], Any]) -> int:
    """Run `command` and return its exit code; print the error of one that fails."""
    try:
        result = command()
    except typer.Exit as error:
        return error.exit_code
    except TyperException as error:
        return print_usage_error(error)
    except (typer.Abort, KeyboardInterrupt):
        print_notice("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader closed the pipe, for example `head`; stdout must not be flushed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return print_error(error)
    return result if isinstance(result, int) else 0


def print_usage_error(error: TyperException) -> int:
    """Print in Typer's words how the command line is wrong; return the exit code."""
    show = getattr(error, "show", None)
    if callable(show):
        buffer = StringIO()
        show(buffer)
        write_text(buffer.getvalue(), sys.stderr)
    else:
        print_notice(str(error))
    return int(getattr(error, "exit_code", 2))


def print_error(error: BaseException) -> int:
    """Print the error in one sentence and return its exit code; log the traceback of a defect."""
    if isinstance(error, ThreadkeepError):
        print_notice(str(error))
        return error.exit_code
    print_notice(f"Something went wrong inside ({type(error).__name__}){_log(error)}.")
    return 1


def _log(error: BaseException) -> str:
    """Append the traceback to the log file; return where that is, as the end of a sentence."""
    from threadkeep.base.settings import Settings

    path = Settings().home / FILE
    trace = "".join(traceback.format_exception(error))
    return f"; what exactly is in {str(path)!r}" if append_to_log(path, trace) else ""
