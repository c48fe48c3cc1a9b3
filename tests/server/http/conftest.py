from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.server.http.helpers import Servers, start_servers


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    async with start_servers(tmp_path_factory.mktemp("production")) as servers:
        yield servers
