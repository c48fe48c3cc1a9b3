"""A thread whose model is scripted: the real graph and the real ChatOpenAI, over HTTP.

`async with open_scripted() as thread:` and then `await thread.say("...")`; `thread.prompts` holds
what the model was shown for each answer, `thread.summaries` what the summariser was shown.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from langchain_core.messages import AnyMessage, HumanMessage
from langchain_core.messages.utils import convert_to_messages
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph.state import CompiledStateGraph
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore

from benchmarks.scripted_server import Fault, Reply, ScriptedServer, Usage, scripted_server
from threadkeep.base.settings import Settings
from threadkeep.base.tokens import count_messages, count_text
from threadkeep.graph.agent import builder
from threadkeep.graph.context import Context
from threadkeep.graph.state import Input, Output, State
from threadkeep.stores.dependencies import attach
from threadkeep.stores.hybrid import HybridStore

Kind = Literal["answer", "summary", "extraction"]
Answer = Callable[[dict[str, Any]], Reply | Fault | str]
NOTHING_FOUND = '{"entities": [], "facts": []}'


def kind_of(asked: Mapping[str, Any]) -> Kind:
    """Tell what a request is for."""
    last = str(asked["messages"][-1]["content"])
    if "<new_messages>" in last:
        return "summary"
    return "extraction" if last.startswith("Note what the message says") else "answer"


def tokens_of(asked: Mapping[str, Any]) -> int:
    """Return what the prompt of a request takes."""
    messages = convert_to_messages(list(asked["messages"]))
    return count_messages(messages)


@dataclass
class ScriptedThread:
    """One user's thread, and what its model was shown."""

    server: ScriptedServer
    graph: CompiledStateGraph[State, Context, Input, Output]
    context: dict[str, Any] = field(default_factory=lambda: {"user_id": "ada"})
    name: str = "first"
    replies: Answer = lambda asked: "Noted."
    summarise: Answer = lambda asked: "They talked."
    extract: Answer = lambda asked: NOTHING_FOUND

    @property
    def prompts(self) -> list[list[dict[str, Any]]]:
        """The messages of every request for an answer, oldest first."""
        return [asked["messages"] for asked in self.server.requests if kind_of(asked) == "answer"]

    @property
    def summaries(self) -> list[str]:
        """The text of every request for a summary, oldest first."""
        return [
            asked["messages"][-1]["content"]
            for asked in self.server.requests
            if kind_of(asked) == "summary"
        ]

    @property
    def config(self) -> RunnableConfig:
        """The run's config."""
        return {"configurable": {"thread_id": self.name}, "metadata": {"thread_name": self.name}}

    async def say(self, *said: str | AnyMessage, **context: Any) -> dict[str, Any]:
        """Run one turn with these messages and return its output."""
        messages = [HumanMessage(each) if isinstance(each, str) else each for each in said]
        done = await self.graph.ainvoke(
            {"messages": messages},
            self.config,
            context=Context.model_validate({**self.context, **context}),
            durability="sync",
        )
        return cast(dict[str, Any], done)

    async def state(self) -> State:
        """Return what the thread holds now."""
        snapshot = await self.graph.aget_state(self.config)
        known = {
            key: value for key, value in snapshot.values.items() if key in State.__annotations__
        }
        return State(**known)

    def answer(self, asked: dict[str, Any]) -> Reply | Fault:
        """Answer a request by its kind, with the usage that its prompt has."""
        by_kind = {"answer": self.replies, "summary": self.summarise, "extraction": self.extract}
        made = by_kind[kind_of(asked)](asked)
        if isinstance(made, str):
            used = Usage(prompt=tokens_of(asked), completion=count_text(made))
            return Reply(made, usage=used)
        return made


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
