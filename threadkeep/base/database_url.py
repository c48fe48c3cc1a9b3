"""Which database an address names: sqlite, postgres, redis, or memory for tests."""

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from threadkeep.base.errors import StorageFailed

Kind = Literal["sqlite", "postgres", "redis", "memory"]
SCHEMES: dict[str, Kind] = {
    "sqlite": "sqlite",
    "postgres": "postgres",
    "postgresql": "postgres",
    "redis": "redis",
    "rediss": "redis",
    "valkey": "redis",
    "valkeys": "redis",
    "memory": "memory",
}
ALLOWED = "sqlite:///FILE, postgresql://USER:PASSWORD@HOST/NAME, redis://HOST:PORT/0 or memory://"


@dataclass(frozen=True)
class Database:
    """A database by its address; printed without the password."""

    kind: Kind
    url: str = field(repr=False)
    path: Path = Path()
    """The file, of SQLite only."""

    def __str__(self) -> str:
        if self.kind == "sqlite":
            return str(self.path)
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{_host(parts)}{parts.path}"

    @property
    def digest(self) -> str:
        """What tells this database from others, 12 hex characters; the password is no part."""
        return sha256(str(self).encode()).hexdigest()[:12]


def sqlite_database(path: Path) -> Database:
    """Return the SQLite database in a file."""
    return Database("sqlite", f"sqlite:///{path}", path)


def parse_database(url: str, name: str = "THREADKEEP_DB") -> Database:
    """Return the database that `url` names; `name` is the setting to complain about.

    `sqlite:///a.db` is relative to the working directory, `sqlite:////var/a.db` absolute.

    Raises:
        StorageFailed: the address is of no kind that is known here.
    """
    parts = _split(url.strip(), name)
    kind = SCHEMES.get(parts.scheme)
    if kind == "sqlite" and not parts.netloc and len(parts.path) > 1:
        path = Path(url.strip().partition("://")[2].removeprefix("/")).expanduser()
        return Database(kind, url.strip(), path.absolute())
    if kind == "memory" or (kind in ("postgres", "redis") and (parts.hostname or parts.query)):
        return Database(kind, url.strip())
    shown = f"{parts.scheme}://{_host(parts)}{parts.path}" if parts.scheme else url.strip()
    raise StorageFailed(f"{name} {shown[:80]!r} names no database; write {ALLOWED}.")


def _split(url: str, name: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        # The address itself is not shown: it may hold a password.
        raise StorageFailed(f"{name} is no address ({error}); write {ALLOWED}.") from None
    return parts


def _host(parts: SplitResult) -> str:
    """Return user, host and port, without the password."""
    return (
        f"{parts.username}@{parts.netloc.rpartition('@')[2]}"
        if parts.username
        else (parts.netloc.rpartition("@")[2])
    )
