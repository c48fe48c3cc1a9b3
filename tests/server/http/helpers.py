"""A server for many users, the model that answers it, and its users."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from benchmarks.serving import Serving, open_servers
from tests.backends import fresh_database, settings_in
from threadkeep.stores.access_tokens import add_token
from threadkeep.stores.hybrid import open_store
from threadkeep.testing import ScriptedServer, scripted_server


class Servers:
    """A server for many users and the server of its model, for the tests of one file."""

    def __init__(self, server: Serving, model: ScriptedServer, env: dict[str, str]) -> None:
        self.server = server
        self.model = model
        self.env = env
        self.tokens: dict[str, str] = {}
        self._clients: list[LangGraphClient] = []

    async def token(self, user: str) -> str:
        if user not in self.tokens:
            async with open_store(settings_in(self.env)) as store:
                self.tokens[user] = await add_token(store, user)
        return self.tokens[user]

    async def client(self, user: str) -> LangGraphClient:
        headers = {"Authorization": f"Bearer {await self.token(user)}"}
        self._clients.append(get_client(url=self.server.url, headers=headers))
        return self._clients[-1]

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()


@asynccontextmanager
async def start_servers(folder: Path) -> AsyncIterator[Servers]:
    async with fresh_database("postgres") as url, scripted_server() as model:
        env = {
            "THREADKEEP_HOME": str(folder / "home"),
            "THREADKEEP_DB": url,
            "THREADKEEP_MODEL": "offline",
            "THREADKEEP_NO_PROBE": "1",
            "OPENAI_BASE_URL": model.base_url,
            "OPENAI_API_KEY": "none",
        }
        async with open_servers(env, folder) as (server,):
            servers = Servers(server, model, env)
            yield servers
            await servers.close()
