"""Memories of every backend."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.backends import BACKENDS, fresh_database
from threadkeep.base.database_url import parse_database
from threadkeep.base.settings import Settings
from threadkeep.memory import Memory, open_memory


@pytest_asyncio.fixture(params=BACKENDS)
async def memory(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Memory]:
    async with fresh_database(request.param) as url:
        settings = Settings(home=tmp_path, model="offline", checkpoints=parse_database(url))
        async with open_memory(settings) as opened:
            yield opened


@pytest_asyncio.fixture
async def sqlite_memory(tmp_path: Path) -> AsyncIterator[Memory]:
    async with open_memory(Settings(home=tmp_path, model="offline")) as opened:
        yield opened
