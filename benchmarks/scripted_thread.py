"""A thread whose model is scripted: the real graph and the real ChatOpenAI, over HTTP.

`async with open_scripted() as thread:` and then `await thread.say("...")`; `thread.prompts` holds
the prompt of each answer, `thread.summaries` the prompt of each summary.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

from langchain_core.messages import AnyMessage, HumanMessage
from langchain_core.messages.utils import convert_to_messages
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph.state import CompiledStateGraph
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore

from threadkeep.base.settings import Settings
from threadkeep.base.tokens import count_messages, count_text
from threadkeep.graph.agent import builder
from threadkeep.graph.context import Context
from threadkeep.graph.state import Input, Output, State
from threadkeep.stores.dependencies import attach
from threadkeep.stores.hybrid import HybridStore
from threadkeep.testing import (
    NO_FACTS,
    Fault,
    Purpose,
    Reply,
    ScriptedServer,
    Usage,
    purpose_of,
    scripted_server,
)

Answer = Callable[[dict[str, Any]], Reply | Fault | str]


def purpose_of_request(request: Mapping[str, Any]) -> Purpose:
    """Return what a request is for."""
    return purpose_of(str(request["messages"][-1]["content"]))


def prompt_tokens(request: Mapping[str, Any]) -> int:
    """Return the size of a request's prompt, in tokens."""
    return count_messages(convert_to_messages(list(request["messages"])))


@dataclass
class ScriptedThread:
    """One user's thread, and the requests that its model received."""

    server: ScriptedServer
    graph: CompiledStateGraph[State, Context, Input, Output]
    context: dict[str, Any] = field(default_factory=lambda: {"user_id": "ada"})
    name: str = "first"
    replies: Answer = lambda request: "Noted."
    summarise: Answer = lambda request: "They talked."
    extract: Answer = lambda request: NO_FACTS

    @property
    def prompts(self) -> list[list[dict[str, Any]]]:
        """The messages of every request for an answer, oldest first."""
        return [request["messages"] for request in self._requests_for("answer")]

    @property
    def summaries(self) -> list[str]:
        """The text of every request for a summary, oldest first."""
        return [request["messages"][-1]["content"] for request in self._requests_for("summary")]

    def _requests_for(self, purpose: Purpose) -> list[dict[str, Any]]:
        return [
            request for request in self.server.requests if purpose_of_request(request) == purpose
        ]

    @property
    def config(self) -> RunnableConfig:
        """The run's config."""
        return {"configurable": {"thread_id": self.name}, "metadata": {"thread_name": self.name}}

    async def say(self, *messages: str | AnyMessage, **context: Any) -> dict[str, Any]:
        """Run one turn with these messages and return its output."""
        items = [HumanMessage(item) if isinstance(item, str) else item for item in messages]
        output = await self.graph.ainvoke(
            {"messages": items},
            self.config,
            context=Context.model_validate({**self.context, **context}),
            durability="sync",
        )
        return cast(dict[str, Any], output)

    async def state(self) -> State:
        """Return the state of the thread."""
        snapshot = await self.graph.aget_state(self.config)
        fields = {
            key: value for key, value in snapshot.values.items() if key in State.__annotations__
        }
        return State(**fields)

    def answer(self, request: dict[str, Any]) -> Reply | Fault:
        """Answer a request by its purpose, with the usage of its prompt."""
        answers = {"answer": self.replies, "summary": self.summarise, "extraction": self.extract}
        reply = answers[purpose_of_request(request)](request)
        if isinstance(reply, str):
            usage = Usage(prompt=prompt_tokens(request), completion=count_text(reply))
            return Reply(reply, usage=usage)
        return reply


@asynccontextmanager
async def open_scripted(
    store: BaseStore | None = None, saver: BaseCheckpointSaver[Any] | None = None
) -> AsyncIterator[ScriptedThread]:
    """Serve the scripted model, and compile the graph for it."""
    async with scripted_server() as server:
        values: dict[str, Any] = {"model": "openai/scripted", "openai_base_url": server.base_url}
        if isinstance(store, HybridStore):
            own = store.dependencies
            settings = own.settings.model_copy(update=values)
            store.dependencies = replace(own, settings=settings, models={})
        else:
            store = store or InMemoryStore()
            attach(store, Settings(**values))
        graph = builder.compile(checkpointer=saver or InMemorySaver(), store=store)
        thread = ScriptedThread(server=server, graph=graph)
        server.answer = thread.answer
        yield thread
