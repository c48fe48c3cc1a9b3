import sqlite3
from dataclasses import dataclass

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, MessagesState, StateGraph

from checkpoints.savers import open_checkpointer
from graph.errors import StorageFailed
from graph.settings import Settings


@dataclass
class Foreign:
    value: int


def chat() -> StateGraph[MessagesState]:
    builder = StateGraph(MessagesState)
    builder.add_node("answer", lambda _: {"messages": [AIMessage("yes")]})
    builder.add_edge(START, "answer")
    builder.add_edge("answer", END)
    return builder


async def test_a_thread_keeps_the_checkpoints_of_its_newest_turns_only(home: Settings) -> None:
    async with open_checkpointer(home.database) as saver:
        graph = chat().compile(checkpointer=saver)
        config: RunnableConfig = {"configurable": {"thread_id": "t"}}
        for number in range(30):
            await graph.ainvoke({"messages": [HumanMessage(str(number))]}, config)
            await saver.prune_turns("t", 20)
        history = [state async for state in graph.aget_state_history(config)]
        turns = [state for state in history if (state.metadata or {})["source"] == "input"]
        assert len(turns) == 20
        assert len((await graph.aget_state(config)).values["messages"]) == 60
        rows = await saver.conn.execute_fetchall(
            "SELECT count(*) FROM writes WHERE checkpoint_id NOT IN "
            "(SELECT checkpoint_id FROM checkpoints)"
        )
        assert next(iter(rows))[0] == 0


async def test_messages_survive_and_classes_of_others_do_not_run(home: Settings) -> None:
    async with open_checkpointer(home.database) as saver:
        message = AIMessage("hi", id="1", tool_calls=[{"name": "f", "args": {"a": 1}, "id": "c"}])
        assert saver.serde.loads_typed(saver.serde.dumps_typed(message)) == message
        foreign = saver.serde.loads_typed(saver.serde.dumps_typed(Foreign(1)))
        assert not isinstance(foreign, Foreign)


async def test_a_file_that_is_no_database_is_one_sentence_and_left_as_it_was(
    home: Settings,
) -> None:
    home.database.write_bytes(b"no database " * 1000)
    with pytest.raises(StorageFailed, match="cannot be used"):
        async with open_checkpointer(home.database):
            pass
    assert home.database.read_bytes() == b"no database " * 1000


async def test_a_disk_that_is_full_is_one_sentence(home: Settings) -> None:
    with pytest.raises(StorageFailed, match="disk"):
        async with open_checkpointer(home.database):
            raise sqlite3.OperationalError("database or disk is full")
