"""Turn errors of database drivers and of files into one sentence, without stored content."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb

from threadkeep.base.database_url import Database, Kind
from threadkeep.base.errors import StorageFailed

DRIVERS = ("sqlite3", "psycopg", "psycopg_pool", "valkey")
SQLITE_CALLERS = ("aiosqlite", "threadkeep.base.sqlite_file")
"""Modules that call SQLite, whose own frames no traceback has."""
REMEDIES: dict[Kind, str] = {
    "sqlite": "check its disk and its rights, or set THREADKEEP_HOME to another folder",
    "postgres": "check that the server runs, the user and the password",
    "redis": "check that the server runs, the user and the password",
    "memory": "start again",
}
DAMAGED = "restore it from a backup, or set THREADKEEP_HOME to another folder"
DAMAGE_CODES = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
QUOTED_ARGUMENTS = re.compile(r",? with args beginning with:.*", re.DOTALL)
SAFE_SQLITE_ERROR = re.compile(r"(no such (table|column)|table \w+ has|malformed JSON|disk I/O).*")
FILE_ERRORS = frozenset(
    getattr(errno, name)
    for name in "EACCES EPERM EROFS ENOSPC EDQUOT EIO EMFILE ENOENT ENOTDIR EISDIR".split()
)


@contextmanager
def storage_errors(database: Database) -> Iterator[None]:
    """Convert errors of a database driver.

    Raises:
        StorageFailed: the driver raised an error, or is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if database.kind not in ("postgres", "redis"):
            raise
        raise StorageFailed(
            f"For {database} the package {error.name!r} is missing; "
            f"install threadkeep with its extra [{database.kind}]."
        ) from error
    except Exception as error:
        if not is_driver_error(error):
            raise
        # Without the cause: a driver's error may quote what is stored, and a log prints causes.
        raise StorageFailed(
            f"The database {str(database)!r} cannot be used ({reason_of(error)}); "
            f"{_remedy(error, database.kind)}."
        ) from None


@contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Convert errors of files: no right, no room, a disk that fails.

    Raises:
        StorageFailed: `path`, or the file that the error names, cannot be used.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FILE_ERRORS:
            raise
        raise StorageFailed(
            f"{str(error.filename or path)!r} cannot be used ({error.strerror}); "
            "check its rights and its disk, or set THREADKEEP_HOME to another folder."
        ) from None


def is_driver_error(error: BaseException) -> bool:
    """Return whether a database driver raised the error.

    Of a damaged database SQLite may raise that its own message cannot be read.
    """
    if isinstance(error, UnicodeDecodeError):
        return _module_that_raised(error).startswith(SQLITE_CALLERS)
    modules = {base.__module__.partition(".")[0] for base in type(error).__mro__}
    return not modules.isdisjoint(DRIVERS)


def _module_that_raised(error: BaseException) -> str:
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    return str(frames[-1].f_globals.get("__name__")) if frames else ""


def is_storage_error(error: BaseException) -> bool:
    """Return whether a database or a file failed, not what is stored in it."""
    return is_driver_error(error) or isinstance(error, StorageFailed | OSError)


def reason_of(error: Exception) -> str:
    """Return the reason of a driver's error, without values of the database."""
    if isinstance(error, UnicodeDecodeError):
        return "what it says is not text"
    name = str(getattr(error, "sqlite_errorname", ""))
    text = " ".join(str(error).split())
    if type(error).__module__.startswith("sqlite3"):
        # SQLite quotes neither cells nor parameters, except where it has no code of its own.
        is_safe = name not in ("", "SQLITE_ERROR") or SAFE_SQLITE_ERROR.match(text)
        text = text if is_safe else name or "a value is not text"
    elif sqlstate := getattr(error, "sqlstate", None):
        # Classes 22 and 23 quote the value.
        primary = getattr(getattr(error, "diag", None), "message_primary", None)
        text = (
            str(primary) if primary and sqlstate[:2] not in ("22", "23") else f"SQLSTATE {sqlstate}"
        )
    text = QUOTED_ARGUMENTS.sub("", text)
    return " ".join(text.split())[:300] or type(error).__name__


def _remedy(error: Exception, kind: Kind) -> str:
    name = str(getattr(error, "sqlite_errorname", ""))
    is_damaged = name.startswith(DAMAGE_CODES) or isinstance(error, UnicodeDecodeError)
    return DAMAGED if is_damaged else REMEDIES[kind]
