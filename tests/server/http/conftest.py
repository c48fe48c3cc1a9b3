from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.server.http.helpers import House, open_house


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("production")) as house:
        yield house
