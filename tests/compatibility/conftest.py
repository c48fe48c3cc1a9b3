"""The data that an older version wrote, on SQLite and on PostgreSQL, fresh for each test."""

import os
import shutil
import tarfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio

from tests.backends import ROOT, fresh_schema
from tests.compatibility.make_data import FOLDER, NOW
from threadkeep.base.database_url import parse_database


@dataclass(frozen=True)
class OldData:
    """A data folder that an older version wrote, and the environment to use it."""

    kind: str
    home: Path
    url: str | None

    @property
    def env(self) -> dict[str, str]:
        """The environment of a process that works on the data."""
        own = {"THREADKEEP_HOME": str(self.home), "HOME": str(self.home.parent)}
        own |= {"THREADKEEP_NOW": NOW, "THREADKEEP_NO_PROBE": "1", "PYTHONPATH": str(ROOT)}
        return own if self.url is None else own | {"THREADKEEP_DB": self.url}

    @contextmanager
    def environment(self) -> Iterator[None]:
        """Use the data in this process."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.env.items():
                patch.setenv(name, value)
            yield

    def process_env(self) -> dict[str, str]:
        """Return the environment of a whole process: ours without settings, and the data's."""
        rest = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("OPENAI_", "THREADKEEP_"))
        }
        return rest | self.env


def unpack(kind: str, folder: Path) -> Path:
    """Unpack the data folder and return its path."""
    with tarfile.open(FOLDER / f"{kind}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder / "home"


async def load_dump(home: Path, url: str) -> None:
    """Load the dump into the schema that `url` names."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        await conn.execute((home / "database.sql").read_bytes())


def rename_folders(home: Path, url: str) -> None:
    """Name the folders that belong to a database after its new address."""
    for folder in home.glob("*-*"):
        name = folder.name.rpartition("-")[0]
        shutil.move(folder, home / f"{name}-{parse_database(url).digest}")


@pytest_asyncio.fixture(params=["sqlite", "postgres"])
async def old_data(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OldData]:
    """A fresh copy of the older version's data."""
    home = unpack(request.param, tmp_path)
    async with AsyncExitStack() as stack:
        url = None
        if request.param == "postgres":
            url = await stack.enter_async_context(fresh_schema())
            await load_dump(home, url)
            rename_folders(home, url)
        yield OldData(request.param, home, url)
