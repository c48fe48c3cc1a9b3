"""Database URLs: sqlite, postgres, redis, and memory for tests."""

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
URL_FORMS = "sqlite:///FILE, postgresql://USER:PASSWORD@HOST/NAME, redis://HOST:PORT/0 or memory://"


@dataclass(frozen=True)
class Database:
    """A database and its URL; printed without the password."""

    kind: Kind
    url: str = field(repr=False)
    path: Path = Path()
    """The file; set for SQLite only."""

    def __str__(self) -> str:
        if self.kind == "sqlite":
            return str(self.path)
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{_host(parts)}{parts.path}"

    @property
    def digest(self) -> str:
        """Digest that identifies the database, 12 hex characters; independent of the password."""
        return sha256(str(self).encode()).hexdigest()[:12]


def sqlite_database(path: Path) -> Database:
    """Return the SQLite database in a file."""
    return Database("sqlite", f"sqlite:///{path}", path)


def parse_database(url: str, name: str = "THREADKEEP_DB") -> Database:
    """Parse a database URL; `name` is the setting to name in errors.

    `sqlite:///a.db` is relative to the working directory, `sqlite:////var/a.db` absolute.

    Raises:
        StorageFailed: the URL has an unknown scheme, or lacks a part.
    """
    parts = _split(url.strip(), name)
    kind = SCHEMES.get(parts.scheme)
    if kind == "sqlite" and not parts.netloc and len(parts.path) > 1:
        path = Path(url.strip().partition("://")[2].removeprefix("/")).expanduser()
        return Database(kind, url.strip(), path.absolute())
    if kind == "memory" or (kind in ("postgres", "redis") and (parts.hostname or parts.query)):
        return Database(kind, url.strip())
    label = f"{parts.scheme}://{_host(parts)}{parts.path}" if parts.scheme else url.strip()
    raise StorageFailed(f"{name} {label[:80]!r} names no database; write {URL_FORMS}.")


def _split(url: str, name: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        # Do not show the URL: it may contain a password.
        raise StorageFailed(f"{name} is no address ({error}); write {URL_FORMS}.") from None
    return parts


def _host(parts: SplitResult) -> str:
    """Return user, host and port, without the password."""
    return (
        f"{parts.username}@{parts.netloc.rpartition('@')[2]}"
        if parts.username
        else (parts.netloc.rpartition("@")[2])
    )
