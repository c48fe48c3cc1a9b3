"""Settings: what the caller passes, else what the environment says when they are made."""

import getpass
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from platformdirs import user_data_path
from pydantic import BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    NoDecode,
    SettingsConfigDict,
)

from threadkeep.base import variables
from threadkeep.base.clock import Clock, system_clock
from threadkeep.base.database_url import Database, sqlite_database

LOCAL_USER = "THREADKEEP_LOCAL_USER"


class Settings(BaseSettings):
    """What one process or one opened memory works with.

    An argument wins; what is not passed is read from the environment once, when the object is
    made; an empty variable counts as unset. Nothing else in the package reads the environment.

    `environment` holds variables to read instead of those of the process; names as there, in any
    case. `db` and `store_db` are other names of `checkpoints` and `items`: a URL, or None for the
    environment's.

    Raises:
        StorageFailed: an address or a number cannot be used.
        BadInput: THREADKEEP_NOW is not ISO 8601, or THREADKEEP_TIME_ZONE names no zone.
        TypeError: `environment` is no mapping, or a database is passed under both its names.
    """

    model_config = SettingsConfigDict(
        env_prefix="THREADKEEP_",
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
    )

    home: Path = Field(default_factory=lambda: user_data_path("threadkeep"))
    """The data folder; THREADKEEP_HOME."""
    model: str | None = None
    """The name of the chat model; THREADKEEP_MODEL."""
    openai_api_key: SecretStr | None = Field(default=None, validation_alias="OPENAI_API_KEY")
    openai_base_url: str | None = Field(default=None, validation_alias="OPENAI_BASE_URL")
    token: SecretStr | None = None
    """The token of this user on a threadkeep server; THREADKEEP_TOKEN."""
    checkpoints: Annotated[Database | None, NoDecode, BeforeValidator(variables.read_database)] = (
        Field(default=None, validation_alias="THREADKEEP_DB")
    )
    """The database of the checkpoints; None is the SQLite file in the data folder."""
    items: Annotated[Database | None, NoDecode, BeforeValidator(variables.read_item_database)] = (
        Field(default=None, validation_alias="THREADKEEP_STORE_DB")
    )
    """The database of the long-term store; None is that of the checkpoints, except Redis."""
    chroma_url: Annotated[str | None, BeforeValidator(variables.read_chroma_url)] = None
    """The address of a Chroma server; None is an embedded Chroma in the data folder."""
    ttl_minutes: Annotated[float | None, BeforeValidator(variables.read_days)] = Field(
        default=None, validation_alias="THREADKEEP_TTL_DAYS"
    )
    """How long a thread is kept after its last use, unless it has a TTL of its own; None is for
    ever. The variable counts days."""
    embeddings: str = "static"
    """The embedder: `static`, `minilm`, `minilm:FOLDER` or `openai/NAME`."""
    may_download: Annotated[bool, BeforeValidator(variables.read_presence)] = Field(
        default=False, validation_alias="THREADKEEP_ALLOW_DOWNLOAD"
    )
    """Whether the weights of a named embedder that are not on this machine may be downloaded."""
    local_user: str | None = None
    """The user who needs no token on a server on this machine; None is the login name, as long as
    there are no tokens."""
    stop_seconds: Annotated[float, BeforeValidator(variables.read_seconds)] = 30.0
    """How long a server that stops waits for turns under way."""
    probe: Annotated[bool, BeforeValidator(variables.read_absence)] = Field(
        default=True, validation_alias="THREADKEEP_NO_PROBE"
    )
    """Whether a model server on this machine is looked for where nothing names a model."""
    time_zone: Annotated[ZoneInfo | None, NoDecode, BeforeValidator(variables.read_zone)] = None
    """The user's time zone, by which days are counted and times shown; None is the system's.
    THREADKEEP_TIME_ZONE, a name such as Europe/Oslo."""
    predicates: Path | None = None
    """A TOML file of predicates of the user's own; THREADKEEP_PREDICATES."""
    now: Annotated[datetime | None, NoDecode, BeforeValidator(variables.read_moment)] = None
    """A fixed present for demonstrations; THREADKEEP_NOW, ISO 8601."""

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        /,
        *,
        db: str | Database | None = None,
        store_db: str | Database | None = None,
        **values: Any,
    ) -> None:
        if environment is not None and not isinstance(environment, Mapping):
            raise TypeError(
                "Settings takes one positional argument, a mapping of environment variables; "
                f"this is {type(environment).__name__}. Pass settings by their names."
            )
        for name, alias, database in (("checkpoints", "db", db), ("items", "store_db", store_db)):
            if database is None:
                continue
            if name in values:
                raise TypeError(f"{alias} and {name} are the same setting; pass one of them.")
            values[name] = database
        if environment is None:
            super().__init__(**values)
            return
        variables = EnvSettingsSource(type(self))
        variables.env_vars = {name.lower(): value for name, value in environment.items()}
        arguments = InitSettingsSource(type(self), values)
        super().__init__(_build_sources=((arguments, variables), values))

    @field_validator("*", mode="before")
    @classmethod
    def _blank_is_unset(cls, value: object, info: Any) -> object:
        if isinstance(value, str) and not value.strip():
            return cls.model_fields[info.field_name].get_default(call_default_factory=True)
        return value

    @field_validator("home")
    @classmethod
    def _expand_user(cls, home: Path) -> Path:
        return home.expanduser()

    @field_validator("embeddings")
    @classmethod
    def _strip(cls, name: str) -> str:
        return name.strip()

    @field_validator("token")
    @classmethod
    def _strip_token(cls, token: SecretStr | None) -> SecretStr | None:
        return SecretStr(token.get_secret_value().strip()) if token else None

    @property
    def clock(self) -> Clock:
        """The clock: the system's, or one that stands at `now`."""
        moment = self.now
        return system_clock if moment is None else lambda: moment

    @property
    def checkpoint_database(self) -> Database:
        """The database of the checkpoints."""
        return self.checkpoints or self._own_database

    @property
    def item_database(self) -> Database:
        """The database of the items and the full-text index; Redis holds checkpoints only."""
        if self.items:
            return self.items
        database = self.checkpoint_database
        return self._own_database if database.kind == "redis" else database

    @property
    def database(self) -> Path:
        """The SQLite file of the items, where they are in one."""
        return self.item_database.path

    @property
    def vectors(self) -> Path:
        """The folder of the embedded Chroma."""
        return self._beside_items("chroma")

    @property
    def locks(self) -> Path:
        """The folder of lock files, one a thread and one for Chroma."""
        return self._beside_items("locks")

    @property
    def server(self) -> Path:
        """The folder in which a server of this machine keeps its own files, by port."""
        return self._beside_items("server")

    @property
    def _own_database(self) -> Database:
        return sqlite_database(self.home / "threadkeep.sqlite")

    def _beside_items(self, name: str) -> Path:
        """Return a folder that belongs to the items, the same for all who use these items."""
        items = self.item_database
        if items == self._own_database:
            return self.home / name
        if items.kind == "sqlite":
            return items.path.with_name(f"{items.path.name}.{name}")
        return self.home / f"{name}-{items.digest}"


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the variables with which a process in another folder works on the same data."""
    databases = {"THREADKEEP_DB": settings.checkpoints, "THREADKEEP_STORE_DB": settings.items}
    urls = {
        name: f"sqlite:///{database.path}" if database.kind == "sqlite" else database.url
        for name, database in databases.items()
        if database
    }
    switches = {} if settings.probe else {"THREADKEEP_NO_PROBE": "1"}
    if settings.predicates:
        switches["THREADKEEP_PREDICATES"] = str(settings.predicates.expanduser().absolute())
    return {"THREADKEEP_HOME": str(settings.home.absolute()), **urls, **switches}


def login_name() -> str | None:
    """Return the login name of the person at the terminal, or None where there is none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None
