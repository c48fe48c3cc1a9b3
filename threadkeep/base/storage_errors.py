"""Turn errors of database drivers into one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from threadkeep.base.database_url import Database, Kind
from threadkeep.base.errors import StorageFailed

DRIVERS = ("sqlite3", "psycopg", "psycopg_pool", "valkey")
REMEDIES: dict[Kind, str] = {
    "sqlite": "check its disk and its rights, or set THREADKEEP_HOME to another folder",
    "postgres": "check that the server runs, the user and the password",
    "redis": "check that the server runs, the user and the password",
    "memory": "start again",
}


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
        modules = {base.__module__.partition(".")[0] for base in type(error).__mro__}
        if modules.isdisjoint(DRIVERS):
            raise
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise StorageFailed(
            f"The database {str(database)!r} cannot be used ({reason}); {REMEDIES[database.kind]}."
        ) from error
