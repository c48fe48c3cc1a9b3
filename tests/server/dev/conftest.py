"""One server for all tests that do not stop it; every test adds users of its own."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
import pytest_asyncio

from tests.server.dev.running import OPEN_USERS, Server, User, new_server

pytest.importorskip("langgraph_api")
_numbers = itertools.count()
NewUser = Callable[[str], Awaitable[User]]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server with a data folder of its own, which needs tokens."""
    running = new_server(tmp_path_factory.mktemp("server"))
    running.run("user", "add", "first")
    running.start()
    yield running
    if running.process is not None and running.process.poll() is None:
        running.kill()


@pytest_asyncio.fixture(autouse=True)
async def _close_users() -> AsyncIterator[None]:
    yield
    while OPEN_USERS:
        user = OPEN_USERS.pop()
        await user.client.aclose()
        await user.http.aclose()


@pytest.fixture
def new_user(server: Server) -> NewUser:
    """Add users that no other test has."""
    return lambda name: server.user(f"{name}-{next(_numbers)}")


@pytest_asyncio.fixture
async def ada(new_user: NewUser) -> User:
    return await new_user("ada")


@pytest_asyncio.fixture
async def bob(new_user: NewUser) -> User:
    return await new_user("bob")
