"""Fixtures that run a test on every database of the store; a conftest imports them."""

import gc
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.backends import fresh_database
from threadkeep.base.data_folder import create_data_folder
from threadkeep.base.database_url import parse_database
from threadkeep.base.settings import Settings


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests with a `home` on SQLite and PostgreSQL, those marked `sqlite` on SQLite only."""
    if "home" in metafunc.fixturenames:
        about_sqlite = metafunc.definition.get_closest_marker("sqlite")
        kinds = ["sqlite"] if about_sqlite else ["sqlite", "postgres"]
        metafunc.parametrize("home", kinds, indirect=True)


@pytest_asyncio.fixture
async def home(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Settings]:
    """An empty data folder, and an empty database."""
    if request.param == "sqlite":
        settings = Settings(home=tmp_path / "home")
        create_data_folder(settings)
        yield settings
        return
    async with fresh_database(request.param) as url:
        settings = Settings(home=tmp_path / "home", checkpoints=parse_database(url))
        create_data_folder(settings)
        yield settings


@pytest.fixture
def chroma_may_leave_its_sockets(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Allow sockets of a failed client, which only the garbage collector closes."""
    yield
    # Log records hold the frames of the failure, and the frames hold the client.
    caplog.get_records("call").clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
