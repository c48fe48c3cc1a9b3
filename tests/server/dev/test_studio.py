"""What LangGraph Studio requests, by the routes that it uses."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.backends import ROOT
from tests.server.dev.running import User, texts
from threadkeep.graph.context import Context


async def agent_of(user: User) -> str:
    (agent,) = await user.client.assistants.search(graph_id="agent")
    return str(agent["assistant_id"])


async def test_the_schema_of_the_context_describes_every_field(ada: User) -> None:
    schemas: Any = await ada.client.assistants.get_schemas(await agent_of(ada))
    schema = schemas["context_schema"]
    assert list(schema["properties"]) == list(Context.model_fields)
    for name, field in schema["properties"].items():
        assert field["description"].endswith(".")
        assert "default" in field, name
    fields = schema["properties"]
    assert fields["memory"]["enum"][0] == "hybrid"
    assert len(fields["memory"]["enum"]) == 9
    assert (fields["max_tokens"]["minimum"], fields["max_tokens"]["maximum"]) == (512, 2_000_000)
    assert not schema.get("required")


async def test_the_input_has_one_field_and_the_state_all_of_them(ada: User) -> None:
    schemas: Any = await ada.client.assistants.get_schemas(await agent_of(ada))
    assert list(schemas["input_schema"]["properties"]) == ["messages"]
    state = schemas["state_schema"]["properties"]
    assert {"messages", "summary", "recalled", "ledger", "memories"} <= state.keys()


async def test_the_graph_lists_its_nodes_by_name(ada: User) -> None:
    drawn: Any = await ada.client.assistants.get_graph(await agent_of(ada))
    assert [node["id"] for node in drawn["nodes"]] == [
        "__start__",
        "retrieve_memories",
        "trim_history",
        "call_model",
        "store_turn",
        "summarize_history",
        "extract_entities",
        "__end__",
    ]


async def test_the_state_after_a_turn_has_its_memories_and_its_ledger(ada: User) -> None:
    await ada.say(None, "My sister Miriam moved to Lisbon.")
    thread = (await ada.client.threads.create())["thread_id"]
    answered = await ada.say(thread, "Where does my sister live?")
    assert "Lisbon" in json.dumps(answered["memories"])
    assert answered["ledger"]["limit"] == 8_000
    state: Any = await ada.client.threads.get_state(thread)
    assert state["values"]["ledger"]["memories"] > 0
    assert state["values"]["recalled"][0]["places"]
    history = await ada.client.threads.get_history(thread, limit=10)
    assert any("Lisbon" in json.dumps(entry) for entry in history)


async def test_an_edited_message_is_remembered_as_edited(ada: User) -> None:
    thread = (await ada.client.threads.create())["thread_id"]
    output = await ada.say(thread, "I live in Bergen.")
    edited: dict[str, Any] = {**output["messages"][0], "content": "I live in Oslo."}
    await ada.client.threads.update_state(thread, {"messages": [edited]})
    state: Any = await ada.client.threads.get_state(thread)
    assert texts(state["values"])[0] == "I live in Oslo."
    answered = texts(await ada.say(None, "Where do I live?"))[-1]
    assert "Oslo" in answered
    assert "Bergen" not in answered


async def test_a_fork_from_an_older_state_rewinds_memory(ada: User) -> None:
    thread = (await ada.client.threads.create())["thread_id"]
    await ada.say(thread, "I live in Bergen.")
    before: Any = await ada.client.threads.get_state(thread)
    await ada.say(thread, "I moved to Oslo.")
    await ada.http.post(
        f"/threads/{thread}/state",
        json={"values": None, "as_node": "__copy__", "checkpoint": before["checkpoint"]},
    )
    assert len(texts((await _state(ada, thread))["values"])) == 2
    assert "Oslo" not in texts(await ada.say(None, "Where do I live?"))[-1]


async def test_the_memory_tab_shows_all_items_of_the_user_alone(ada: User, bob: User) -> None:
    await ada.say(None, "My sister Miriam moved to Lisbon.")
    await bob.say(None, "My brother Hugo moved to Porto.")
    spaces = (await ada.client.store.list_namespaces([]))["namespaces"]
    labels = {namespace[1] for namespace in spaces}
    assert {"messages", "entities", "facts", "threads", "usage"} <= labels
    assert {namespace[0] for namespace in spaces} == {ada.owner}
    items = (await ada.client.store.search_items([], limit=100))["items"]
    assert "Miriam" in json.dumps(items)
    assert "Hugo" not in json.dumps(items)
    entities = (await ada.client.store.search_items(["entities"]))["items"]
    again = (await ada.client.store.search_items([ada.owner, "entities"]))["items"]
    assert [item["key"] for item in entities] == [item["key"] for item in again]
    one: Any = await ada.client.store.get_item(entities[0]["namespace"], entities[0]["key"])
    assert one["value"] == entities[0]["value"]


@pytest.mark.parametrize("other", ["threadkeep/server/langgraph.json"])
def test_the_package_has_the_configuration_of_the_repository(other: str) -> None:
    assert (ROOT / other).read_text() == Path(ROOT / "langgraph.json").read_text()


async def _state(user: User, thread: str) -> Any:
    return await user.client.threads.get_state(thread)
