"""Where the memory of a command is: on this machine, or behind a server's address."""

import importlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import urlsplit

from threadkeep.base.errors import BadInput
from threadkeep.cli.output import print_notice
from threadkeep.process import run

if TYPE_CHECKING:
    from threadkeep.base.settings import Settings
    from threadkeep.memory import Memory
    from threadkeep.protocol import MemoryProtocol

T = TypeVar("T")


@dataclass(frozen=True)
class Connection:
    """The memory that a conversation uses, and the user on this machine; a server knows its own."""

    settings: "Settings"
    url: str | None = None
    user_id: str | None = None

    def prepare(self) -> None:
        """Create the data folder, where the memory is on this machine."""
        from threadkeep.base.data_folder import create_data_folder

        if self.url is None:
            create_data_folder(self.settings)

    async def greeting(self, model: str | None) -> tuple[str, str]:
        """Return whose memory it is and which model answers, as phrases."""
        if self.url is not None:
            return f"server {self.url}", f"model {model or 'of the server'}"
        from threadkeep.models.choice import choose_model

        return (
            f"user {self.user_id!r}",
            f"model {(await choose_model(self.settings, model)).reason}",
        )

    def load(self) -> None:
        """Import what `open` needs; blocks for a second or two."""
        importlib.import_module("threadkeep.memory" if self.url is None else "threadkeep.remote")

    def vectors_loaded(self, memory: "MemoryProtocol") -> bool:
        """Tell whether the vectors of an opened memory are loaded into this process."""
        return self.url is None and cast("Memory", memory).opened.store.opened

    def open(self) -> "AbstractAsyncContextManager[MemoryProtocol]":
        """Open the databases, or connect to the server."""
        if self.url is None:
            from threadkeep.memory import open_memory

            return open_memory(self.settings)
        from threadkeep.remote import open_remote

        return open_remote(self.url, self.settings.token)


def connect(settings: "Settings", url: str | None, user_id: str | None) -> Connection:
    """Return the connection to the memory behind `url`, or to that on this machine.

    Raises:
        BadInput: `url` is no address.
    """
    if url is None:
        return Connection(settings, user_id=user_id)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput(f"--url {url!r:.80} is no address; write it like http://127.0.0.1:2024.")
    return Connection(settings, url.rstrip("/"))


def with_memory(settings: "Settings", work: "Callable[[Memory], Awaitable[T]]") -> T:
    """Open the memory on this machine, finish interrupted erasures, and run `work` with it."""
    from threadkeep.memory import open_memory

    async def run_work() -> T:
        async with open_memory(settings) as memory:
            for sentence in memory.recovered:
                print_notice(sentence)
            return await work(memory)

    return run(run_work())
