"""The memory of `ada`, on every backend."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.backends import BACKENDS, fresh_database
from tests.isolation.operations import SECRET, AdaMemory
from threadkeep.base.data_folder import create_data_folder
from threadkeep.base.database_url import parse_database
from threadkeep.base.settings import Settings
from threadkeep.memory import open_memory
from threadkeep.stores.namespaces import thread_id, user_key


@pytest_asyncio.fixture(params=BACKENDS, scope="module", loop_scope="module")
async def ada(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[AdaMemory]:
    home = tmp_path_factory.mktemp("ada")
    async with fresh_database(request.param) as url:
        settings = Settings(home=home, model="offline", checkpoints=parse_database(url))
        create_data_folder(settings)
        async with open_memory(settings) as memory:
            turn = await memory.say(SECRET, thread="trip", user_id="ada")
            await turn.finished()
            owner = await user_key(memory.opened.store, "ada")
            yield AdaMemory(memory, thread_id(owner, "trip"), owner)
