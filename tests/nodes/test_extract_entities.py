"""Extraction tries the strictest method first and rules last, and never fails the turn."""

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

TEXT = "My sister Miriam moved to Lisbon in March."
EXTRACTION = {
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
def _forget_methods() -> Iterator[None]:
    extraction_calls._first_method.clear()
    yield
    extraction_calls._first_method.clear()


def method_of(request: dict[str, Any]) -> str:
    if "response_format" in request:
        return "json_schema"
    return "function calling" if "tools" in request else "JSON in the prompt"


async def extract_with(*answers: Reply | Fault | str) -> tuple[set[str], list[str]]:
    """Return the names that are known after one message, and the methods that were tried."""
    remaining = list(answers)
    store = InMemoryStore()
    async with open_scripted(store) as thread:
        thread.context["memory"] = "entity"
        thread.extract = lambda request: remaining.pop(0)
        output = await thread.say(TEXT)
        assert output["messages"][-1].text == "Noted."
        items = await store.asearch(entities_of(await user_key(store, "ada")))
        methods = [
            method_of(a) for a in thread.server.requests if purpose_of_request(a) == "extraction"
        ]
    return {item.value["name"] for item in items}, methods


async def test_a_schema_is_tried_first() -> None:
    assert await extract_with(json.dumps(EXTRACTION)) == ({"Miriam"}, ["json_schema"])


async def test_a_function_is_tried_second_and_json_in_the_prompt_third() -> None:
    tool_call = Reply(tool_calls=[("note_extraction", EXTRACTION)])
    assert await extract_with(REFUSED, tool_call) == (
        {"Miriam"},
        ["json_schema", "function calling"],
    )
    extraction_calls._first_method.clear()
    fenced = f"Here it is:\n```json\n{json.dumps(EXTRACTION)}\n```"
    names, methods = await extract_with("no", "no", fenced)
    assert (names, methods[2]) == ({"Miriam"}, "JSON in the prompt")


async def test_rules_extract_when_every_method_fails() -> None:
    names, methods = await extract_with("{", Reply("no"), '{"facts": 3')
    assert "Miriam" in names
    assert methods == ["json_schema", "function calling", "JSON in the prompt"]


async def test_a_server_that_is_down_gets_one_request() -> None:
    names, methods = await extract_with(DOWN)
    assert "Miriam" in names
    assert methods == ["json_schema"]


async def test_the_method_that_worked_is_tried_first_the_next_time() -> None:
    async with open_scripted() as thread:
        thread.context["memory"] = "entity"
        thread.extract = lambda request: (
            REFUSED if method_of(request) != "JSON in the prompt" else json.dumps(EXTRACTION)
        )
        await thread.say(TEXT)
        await thread.say(TEXT)
        methods = [
            method_of(a) for a in thread.server.requests if purpose_of_request(a) == "extraction"
        ]
    assert methods == [
        "json_schema",
        "function calling",
        "JSON in the prompt",
        "JSON in the prompt",
    ]


def test_the_schema_is_strict_as_openai_requires() -> None:
    def check(schema: dict[str, Any]) -> None:
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False
            assert schema["required"] == list(schema["properties"])
            for property_ in schema["properties"].values():
                check(property_)
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
def test_malformed_parts_of_a_reply_are_dropped(text: str, entities: int, facts: int) -> None:
    extraction = read_json(text)
    assert extraction is not None
    assert (len(extraction.entities), len(extraction.facts)) == (entities, facts)


@pytest.mark.parametrize("text", ["", "{", "null", "[]", '{"a": 1}', "{" * 5_000 + "}" * 5_000])
def test_a_reply_without_an_extraction_is_none(text: str) -> None:
    assert read_json(text) is None
