"""The only place that reads the environment: where data lives, keys, addresses."""

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path
from pydantic import SecretStr

from graph.errors import StorageFailed

NO_PROBE = "THREADKEEP_NO_PROBE"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one process works with; values, never the environment itself."""

    home: Path
    model: str | None = None
    openai_api_key: SecretStr | None = None
    openai_base_url: str | None = None
    probe: bool = True
    """Whether a model server on this machine is looked for, where nothing else names a model."""

    @property
    def database(self) -> Path:
        """The SQLite file of checkpoints, items and words."""
        return self.home / "threadkeep.sqlite"

    @property
    def vectors(self) -> Path:
        """The folder of the embedded Chroma."""
        return self.home / "chroma"

    @property
    def locks(self) -> Path:
        """The folder of lock files, one a thread and one for Chroma."""
        return self.home / "locks"


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of `environ` (the process's own by default); empty values are unset."""
    env = {name: value for name, value in (environ or os.environ).items() if value.strip()}
    home = env.get("THREADKEEP_HOME")
    key = env.get("OPENAI_API_KEY")
    return Settings(
        home=Path(home).expanduser() if home else user_data_path("threadkeep"),
        model=env.get("THREADKEEP_MODEL"),
        openai_api_key=SecretStr(key) if key else None,
        openai_base_url=env.get("OPENAI_BASE_URL"),
        probe=NO_PROBE not in env,
    )


def forbid_probe() -> None:
    """Look for no model server in this process, as `THREADKEEP_NO_PROBE=1` does."""
    os.environ[NO_PROBE] = "1"


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
