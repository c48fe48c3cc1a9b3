"""Who is talked to: the agent on this machine's databases, or one behind a server's address."""

import importlib
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import urlsplit

from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings, create_data_folder

if TYPE_CHECKING:
    from threadkeep.cli.remote import RemoteAgent
    from threadkeep.graph.context import Context
    from threadkeep.turn import Turn


class Agent(Protocol):
    """What a conversation needs; each raises ThreadkeepErrors."""

    @property
    def notice(self) -> str:
        """What a person should know about the search, or nothing."""

    async def finish(self, context: "Context") -> list[str]:
        """Finish the turns that a crash cut off; return a sentence about each."""

    async def choices(self, user: str, name: str) -> dict[str, Any]:
        """Return what was chosen for the context of a thread alone."""

    async def last_thread(self, user: str) -> str:
        """Return the name of the thread that was used last."""

    async def say(self, context: "Context", name: str, text: str) -> "Turn":
        """Begin a turn."""

    async def undo(self, context: "Context", name: str, turns: int = 1) -> Sequence[str]:
        """Take back the newest turns; return what had been said in them."""

    async def fork_thread(
        self, context: "Context", name: str, new: str, at: int | None = None
    ) -> None:
        """Begin another thread with the first turns of one."""


class Home(Protocol):
    """Where an agent is."""

    def prepare(self) -> None:
        """Make what must be there before anything is opened."""

    async def whose(self, user: str, model: str | None) -> tuple[str, str]:
        """Return whose memory it is, and which model answers, to greet with."""

    async def found(self, context: "Context", agent: Agent) -> str:
        """Return in a sentence what was found that nobody named, or nothing."""

    def load(self) -> None:
        """Import what is heavy; blocks."""

    def open(self) -> AbstractAsyncContextManager[Agent]:
        """Open the agent."""


def behind_server(agent: Agent) -> "RemoteAgent":
    """Return the agent that is not on this machine as what it is."""
    return cast("RemoteAgent", agent)


def home_of(settings: Settings, url: str | None) -> Home:
    """Return where the agent is: behind `url`, or here."""
    return Here(settings) if url is None else There(settings, url)


class Here:
    """On this machine, on the databases that the settings name."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def prepare(self) -> None:
        """Make the data folder."""
        create_data_folder(self._settings)

    async def whose(self, user: str, model: str | None) -> tuple[str, str]:
        """Return the user and the model's reason."""
        from threadkeep.models.choice import choose_model

        return f"user {user!r}", f"model {(await choose_model(self._settings, model)).reason}"

    async def found(self, context: "Context", agent: Agent) -> str:
        """Tell of a model's server that was found on this machine."""
        from threadkeep.prompt.run_model import choice_of

        choice = await choice_of(context, cast(Any, agent).store)
        return f"Model {choice.reason}; --no-probe looks for none." if choice.found else ""

    def load(self) -> None:
        """Import the graph."""
        importlib.import_module("threadkeep.turn_agent")

    def open(self) -> AbstractAsyncContextManager[Agent]:
        """Open the databases."""
        from threadkeep.turn_agent import open_agent

        return open_agent(self._settings)


class There:
    """Behind a server's address."""

    def __init__(self, settings: Settings, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadInput(f"--url {url!r:.80} is no address; write it like http://127.0.0.1:2024.")
        self._url = url.rstrip("/")
        self._token = settings.token

    def prepare(self) -> None:
        """Make nothing: everything is there."""

    async def whose(self, user: str, model: str | None) -> tuple[str, str]:
        """Return the server: by the token it knows whose memory it is, and the model."""
        return f"server {self._url}", f"model {model or 'of the server'}"

    async def found(self, context: "Context", agent: Agent) -> str:
        """Return nothing."""
        return ""

    def load(self) -> None:
        """Import LangGraph's client."""
        importlib.import_module("threadkeep.cli.remote")

    def open(self) -> AbstractAsyncContextManager[Agent]:
        """Connect."""
        from threadkeep.cli.remote import open_remote

        return open_remote(self._url, self._token)
