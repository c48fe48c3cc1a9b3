"""A client that sends its whole history each time changes nothing but what is new or edited."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, RemoveMessage

from threadkeep.base.errors import BadInput, NoSuchCheckpoint
from threadkeep.base.settings import Settings
from threadkeep.graph.context import Context
from threadkeep.memory import Memory, open_memory


@pytest_asyncio.fixture
async def memory(tmp_path: Path) -> AsyncIterator[Memory]:
    async with open_memory(Settings(home=tmp_path)) as opened:
        yield opened


async def run(memory: Memory, *messages: Any, **fields: Any) -> list[BaseMessage]:
    config = (await memory.thread("t", user_id="ada")).config(fields.get("checkpoint_id"))
    graph: Any = memory.graph
    context = Context(user_id="ada", max_tokens=1_000, reserve_tokens=200, recall_tokens=100)
    output = await graph.ainvoke({"messages": list(messages)}, config, context=context)
    return list(output["messages"])


async def stored_texts(memory: Memory, role: str = "user") -> list[str]:
    rows = await memory.messages("t", user_id="ada")
    return [str(row["text"]) for row in rows if row["role"] == role]


def question(number: int) -> str:
    return f"Turn {number:02d}: " + f"blah {number} " * 20


@pytest.mark.parametrize("ids", ["own", "ours", "none"])
async def test_known_messages_are_not_added_again_after_compactions(
    memory: Memory, ids: str
) -> None:
    history: list[BaseMessage] = []
    for number in range(12):
        history.append(HumanMessage(question(number), id=f"h{number}" if ids == "ours" else None))
        incoming: Sequence[BaseMessage] = history
        if ids == "own":
            incoming = [m.model_copy(update={"id": str(uuid4())}) for m in history]
        reply = (await run(memory, *incoming))[-1]
        history.append(reply if ids == "ours" else AIMessage(str(reply.text)))
    assert await stored_texts(memory) == [question(number).strip() for number in range(12)] or (
        await stored_texts(memory) == [question(number) for number in range(12)]
    )
    assert len(await stored_texts(memory, "assistant")) == 12


async def test_a_history_without_anything_new_is_not_answered_again(memory: Memory) -> None:
    messages = await run(memory, HumanMessage("I live in Bergen.", id="1"))
    assert await run(memory, *messages) == messages
    assert await run(memory, RemoveMessage(id="gone")) == messages


async def test_an_edit_of_a_summarised_message_reaches_the_store(memory: Memory) -> None:
    await run(memory, HumanMessage("My rent is 900 euros.", id="rent"))
    for number in range(12):
        await run(memory, HumanMessage(question(number)))
    await run(memory, HumanMessage("My rent is 950 euros.", id="rent"), HumanMessage("And now?"))
    texts = await stored_texts(memory)
    assert texts[0] == "My rent is 950 euros."
    assert texts[-1] == "And now?"
    await run(memory, RemoveMessage(id="rent"), HumanMessage("And then?"))
    assert "rent" not in str(await stored_texts(memory))


async def test_the_id_of_an_answer_is_refused_for_a_question(memory: Memory) -> None:
    messages = await run(memory, HumanMessage("I live in Bergen.", id="1"))
    with pytest.raises(BadInput, match="of the assistant"):
        await run(memory, HumanMessage("I live in Oslo.", id=messages[-1].id))
    assert await stored_texts(memory) == ["I live in Bergen."]


async def test_a_checkpoint_that_is_not_there_changes_nothing(memory: Memory) -> None:
    await run(memory, HumanMessage("I live in Bergen."))
    missing = str(uuid4())
    with pytest.raises(NoSuchCheckpoint):
        await run(memory, HumanMessage("hello"), checkpoint_id=missing)
    with pytest.raises(NoSuchCheckpoint):
        await memory.update_state("t", {"summary": "x"}, None, missing, user_id="ada")
    assert await stored_texts(memory) == ["I live in Bergen."]


async def test_a_state_is_changed_without_naming_a_node(memory: Memory) -> None:
    messages = await run(memory, HumanMessage("I live in Bergen.", id="1"))
    edits = [HumanMessage("I live in Oslo.", id="1"), RemoveMessage(id="gone")]
    await memory.update_state("t", {"messages": edits}, user_id="ada")
    await memory.update_state(
        "t", {"messages": [RemoveMessage(id=str(messages[-1].id))]}, user_id="ada"
    )
    assert await stored_texts(memory) == ["I live in Oslo."]
    assert await stored_texts(memory, "assistant") == []
    with pytest.raises(BadInput, match="summary"):
        await memory.update_state("t", {"summary": 5}, user_id="ada")
