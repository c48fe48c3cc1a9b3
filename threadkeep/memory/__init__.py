"""Memory: every operation on what is remembered, once; the terminal, the servers and you use it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel

from threadkeep.base.clock import Clock
from threadkeep.base.settings import Settings
from threadkeep.base.storage_errors import storage_errors
from threadkeep.erase.resume import finish_erasures
from threadkeep.knowledge.branch_sync import follow_updates
from threadkeep.memory.erasures import ErasureOperations
from threadkeep.memory.memories import MemoryOperations
from threadkeep.memory.threads import ThreadOperations
from threadkeep.memory.transfers import TransferOperations
from threadkeep.memory.turns import TurnOperations
from threadkeep.opened import open_all


class Memory(
    TurnOperations,
    ThreadOperations,
    MemoryOperations,
    ErasureOperations,
    TransferOperations,
):
    """One opened memory, for any number of users.

    `user_id` says whose memory an operation is about; without it, the user of the `acting_as`
    block or of the run that calls. No user, no memory: NoUser is raised. All errors that a person
    can do something about are ThreadkeepErrors: one sentence with the value and the remedy.
    """


@asynccontextmanager
async def open_memory(
    settings: Settings | None = None,
    *,
    model: BaseChatModel | str | None = None,
    embeddings: Embeddings | None = None,
    clock: Clock | None = None,
    predicates: Path | None = None,
) -> AsyncIterator[Memory]:
    """Open a memory: its databases, and the graph compiled with them.

    `settings` are by default those of the environment. `model` answers where a run names no
    other: any chat model of LangChain's, or a name such as `openai/gpt-4.1-mini`, `offline` or
    `anthropic:claude-sonnet-4-5`. `embeddings` makes the vectors, `clock` dates what is stored.
    `predicates` is a TOML file of predicates of your own (docs/memory.md).

    Raises:
        StorageFailed: the data folder or a database cannot be used.
        BadInput: the predicates cannot be used.
    """
    settings = settings or Settings()
    if predicates is not None:
        settings = settings.model_copy(update={"predicates": predicates})
    with storage_errors(settings.checkpoint_database):
        async with open_all(
            settings, model=model, embeddings=embeddings, clock=clock, on_update=follow_updates
        ) as opened:
            opened.store.start_indexing()
            memory = Memory(opened)
            with opened.store.dependencies.in_use():
                receipts = await finish_erasures(opened)
            memory.recovered = [receipt.recovery_notice for receipt in receipts]
            yield memory
