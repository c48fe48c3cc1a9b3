"""The only place that reads the environment: where data lives, keys, addresses."""

import getpass
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path
from pydantic import SecretStr

from threadkeep.base.database_url import Database, parse_database, sqlite_database
from threadkeep.base.errors import StorageFailed

NO_PROBE = "THREADKEEP_NO_PROBE"
LOCAL_USER = "THREADKEEP_LOCAL_USER"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one process works with; values, never the environment itself."""

    home: Path
    model: str | None = None
    openai_api_key: SecretStr | None = None
    openai_base_url: str | None = None
    token: SecretStr | None = None
    """What a threadkeep server elsewhere knows this user by."""
    checkpoints: Database | None = None
    """Where checkpoints are; None is the SQLite file in the data folder."""
    items: Database | None = None
    """Where the long-term store is; None is where checkpoints are, where that is possible."""
    chroma_url: str | None = None
    ttl_minutes: float | None = None
    """How long after its last use a thread is kept, unless it says otherwise; None keeps it."""
    embeddings: str = "static"
    """What makes vectors of texts: `static`, `minilm`, `minilm:FOLDER` or `openai/NAME`."""
    may_download: bool = False
    """Whether a model that is named, and not on this machine, may be downloaded, once."""
    local_user: str | None = None
    """Who needs no token to ask a server on this machine; None is the login name, until there
    are tokens."""
    stop_seconds: float = 30.0
    """How long a server that stops waits for turns under way."""
    probe: bool = True
    """Whether a model server on this machine is looked for, where nothing else names a model."""

    @property
    def checkpoint_database(self) -> Database:
        """Where checkpoints are."""
        return self.checkpoints or self._own

    @property
    def item_database(self) -> Database:
        """Where items and words are: Redis keeps checkpoints only."""
        if self.items:
            return self.items
        chosen = self.checkpoint_database
        return self._own if chosen.kind == "redis" else chosen

    @property
    def database(self) -> Path:
        """The SQLite file of the items, where they are in one."""
        return self.item_database.path

    @property
    def vectors(self) -> Path:
        """The folder of the embedded Chroma."""
        return self._beside("chroma")

    @property
    def locks(self) -> Path:
        """The folder of lock files, one a thread and one for Chroma."""
        return self._beside("locks")

    @property
    def server(self) -> Path:
        """The folder in which a server of this machine keeps its own things, by port."""
        return self._beside("server")

    @property
    def _own(self) -> Database:
        return sqlite_database(self.home / "threadkeep.sqlite")

    def _beside(self, what: str) -> Path:
        """Return a folder that belongs to the items, so that all who use these meet in it."""
        items = self.item_database
        if items == self._own:
            return self.home / what
        if items.kind == "sqlite":
            return items.path.with_name(f"{items.path.name}.{what}")
        return self.home / f"{what}-{items.digest}"


def load_settings(environ: Mapping[str, str] | None = None, *, db: str | None = None) -> Settings:
    """Return the settings of `environ` (the process's own by default); empty values are unset.

    `db` takes the place of `THREADKEEP_DB`.

    Raises:
        StorageFailed: an address or a number in them cannot be used.
    """
    source = os.environ if environ is None else environ

    def env(name: str) -> str | None:
        told = source.get(name, "")
        return told if told.strip() else None

    home = env("THREADKEEP_HOME")
    key = env("OPENAI_API_KEY")
    token = env("THREADKEEP_TOKEN")
    checkpoints, items = db or env("THREADKEEP_DB"), env("THREADKEEP_STORE_DB")
    return Settings(
        home=Path(home).expanduser() if home else user_data_path("threadkeep"),
        model=env("THREADKEEP_MODEL"),
        openai_api_key=SecretStr(key) if key else None,
        openai_base_url=env("OPENAI_BASE_URL"),
        token=SecretStr(token.strip()) if token else None,
        checkpoints=parse_database(checkpoints) if checkpoints else None,
        items=_item_database(items) if items else None,
        chroma_url=_chroma_url(env("THREADKEEP_CHROMA_URL")),
        embeddings=(env("THREADKEEP_EMBEDDINGS") or "static").strip(),
        may_download=env("THREADKEEP_ALLOW_DOWNLOAD") is not None,
        ttl_minutes=_minutes(env("THREADKEEP_TTL_DAYS")),
        local_user=env(LOCAL_USER),
        stop_seconds=_seconds(env("THREADKEEP_STOP_SECONDS") or "30"),
        probe=env(NO_PROBE) is None,
    )


def environ_for(settings: Settings) -> dict[str, str]:
    """Return the variables by which a process in another folder works on the same data."""
    named = {"THREADKEEP_DB": settings.checkpoints, "THREADKEEP_STORE_DB": settings.items}
    urls = {
        name: f"sqlite:///{database.path}" if database.kind == "sqlite" else database.url
        for name, database in named.items()
        if database
    }
    return {"THREADKEEP_HOME": str(settings.home.absolute()), **urls}


def forbid_probe() -> None:
    """Look for no model server in this process, as `THREADKEEP_NO_PROBE=1` does."""
    os.environ[NO_PROBE] = "1"


def _item_database(url: str) -> Database:
    database = parse_database(url, "THREADKEEP_STORE_DB")
    if database.kind == "redis":
        raise StorageFailed(
            f"THREADKEEP_STORE_DB {str(database)!r} cannot hold the long-term store; "
            "name a SQLite file or a PostgreSQL database."
        )
    return database


def _chroma_url(url: str | None) -> str | None:
    if url and not re.fullmatch(r"https?://[^/\s]+/?", url):
        raise StorageFailed(
            f"THREADKEEP_CHROMA_URL {url[:80]!r} is no address of a Chroma server; "
            "write it like http://127.0.0.1:8000."
        )
    return url


def _minutes(days: str | None) -> float | None:
    try:
        minutes = float(days) * 24 * 60 if days else None
    except ValueError:
        minutes = 0.0
    if minutes is not None and not 0 < minutes < 1e9:
        raise StorageFailed(
            f"THREADKEEP_TTL_DAYS {days!r:.40} is no number of days; write it like 30 or 0.5."
        )
    return minutes


def _seconds(told: str) -> float:
    try:
        seconds = float(told)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise StorageFailed(
            f"THREADKEEP_STOP_SECONDS {told!r:.40} is no number of seconds; write it like 30."
        )
    return seconds


def fixed_time() -> str | None:
    """Return the moment that `THREADKEEP_NOW` sets, in ISO 8601, or None."""
    return os.environ.get("THREADKEEP_NOW") or None


def login_name() -> str | None:
    """Return the login name of the person at the terminal, or None where there is none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None


def make_home(settings: Settings) -> None:
    """Create the data folder, readable by its owner only.

    Raises:
        StorageFailed: the folder cannot be made or written.
    """
    try:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings.locks.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings.locks.mkdir(mode=0o700, exist_ok=True)
        writable = os.access(settings.home, os.W_OK | os.X_OK)
    except OSError as error:
        raise StorageFailed(
            f"The data folder {str(settings.home)!r} cannot be made ({error.strerror}); "
            "set THREADKEEP_HOME to a folder that you may write."
        ) from error
    if not writable:
        raise StorageFailed(
            f"The data folder {str(settings.home)!r} is read-only; "
            "make it writable, or set THREADKEEP_HOME to another folder."
        )
