"""Extraction goes from the strictest way of asking to rules, and never fails the turn."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from langgraph.store.memory import InMemoryStore

from benchmarks.scripted_thread import open_scripted, purpose_of_request
from threadkeep.extract.schema import RESPONSE_FORMAT, SCHEMA, read_json
from threadkeep.knowledge import extraction_calls
from threadkeep.stores.namespaces import entities_of, user_key
from threadkeep.testing import Fault, Reply

SAID = "My sister Miriam moved to Lisbon in March."
TOLD = {
    "entities": [
        {
            "name": "Miriam",
            "type": "person",
            "attributes": [{"name": "relation", "value": "sister"}],
        }
    ],
    "facts": [
        {"subject": "Miriam", "predicate": "moved to", "object": "Lisbon", "valid_from": "2026-03"}
    ],
}
REFUSED = Fault(status=400, body={"error": {"message": "response_format is not supported"}})
DOWN = Fault(status=401, body={"error": {"message": "no key"}})


@pytest.fixture(autouse=True)
def _nothing_learned() -> Iterator[None]:
    extraction_calls._first_method.clear()
    yield
    extraction_calls._first_method.clear()


def way(asked: dict[str, Any]) -> str:
    if "response_format" in asked:
        return "json_schema"
    return "function calling" if "tools" in asked else "JSON in the prompt"


async def known_after(*answers: Reply | Fault | str) -> tuple[set[str], list[str]]:
    """Return the names that are known after one message, and the ways that were tried."""
    left = list(answers)
    store = InMemoryStore()
    async with open_scripted(store) as thread:
        thread.context["memory"] = "entity"
        thread.extract = lambda asked: left.pop(0)
        done = await thread.say(SAID)
        assert done["messages"][-1].text == "Noted."
        items = await store.asearch(entities_of(await user_key(store, "ada")))
        tried = [way(a) for a in thread.server.requests if purpose_of_request(a) == "extraction"]
    return {item.value["name"] for item in items}, tried


async def test_a_schema_is_tried_first() -> None:
    assert await known_after(json.dumps(TOLD)) == ({"Miriam"}, ["json_schema"])


async def test_then_a_function_then_json_in_the_prompt() -> None:
    called = Reply(tool_calls=[("note_extraction", TOLD)])
    assert await known_after(REFUSED, called) == ({"Miriam"}, ["json_schema", "function calling"])
    extraction_calls._first_method.clear()
    fenced = f"Here it is:\n```json\n{json.dumps(TOLD)}\n```"
    names, tried = await known_after("no", "no", fenced)
    assert (names, tried[2]) == ({"Miriam"}, "JSON in the prompt")


async def test_then_rules() -> None:
    names, tried = await known_after("{", Reply("no"), '{"facts": 3')
    assert "Miriam" in names
    assert tried == ["json_schema", "function calling", "JSON in the prompt"]


async def test_a_server_that_is_down_is_not_asked_three_times() -> None:
    names, tried = await known_after(DOWN)
    assert "Miriam" in names
    assert tried == ["json_schema"]


async def test_what_worked_is_tried_first_the_next_time() -> None:
    async with open_scripted() as thread:
        thread.context["memory"] = "entity"
        thread.extract = lambda asked: (
            REFUSED if way(asked) != "JSON in the prompt" else json.dumps(TOLD)
        )
        await thread.say(SAID)
        await thread.say(SAID)
        tried = [way(a) for a in thread.server.requests if purpose_of_request(a) == "extraction"]
    assert tried == ["json_schema", "function calling", "JSON in the prompt", "JSON in the prompt"]


def test_the_schema_is_strict_as_openai_wants_it() -> None:
    def check(schema: dict[str, Any]) -> None:
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False
            assert schema["required"] == list(schema["properties"])
            for each in schema["properties"].values():
                check(each)
        if schema.get("type") == "array":
            check(schema["items"])

    check(SCHEMA)
    assert RESPONSE_FORMAT["json_schema"]["strict"] is True


@pytest.mark.parametrize(
    ("text", "entities", "facts"),
    [
        ('{"entities": [3, {"name": ""}, {"name": "A"}], "facts": []}', 1, 0),
        ('{"entities": [{"name": "A", "attributes": {"age": 3}}]}', 1, 0),
        ('{"facts": [{"subject": "A", "predicate": "is"}]}', 0, 0),
        (
            '{"facts": [{"subject": "A", "predicate": "is", "object": 7, "valid_from": "soon"}]}',
            0,
            1,
        ),
    ],
)
def test_what_is_malformed_in_an_answer_is_left_out(text: str, entities: int, facts: int) -> None:
    found = read_json(text)
    assert found is not None
    assert (len(found.entities), len(found.facts)) == (entities, facts)


@pytest.mark.parametrize("text", ["", "{", "null", "[]", '{"a": 1}', "{" * 5_000 + "}" * 5_000])
def test_what_is_no_answer_is_none(text: str) -> None:
    assert read_json(text) is None
