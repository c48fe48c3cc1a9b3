"""Extraction tries the strictest method first and rules last, and never fails the turn."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from langgraph.store.memory import InMemoryStore

from benchmarks.scripted_thread import open_scripted, purpose_of_request
from threadkeep.extract.schema import RESPONSE_FORMAT, SCHEMA
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
SCHEMA_REFUSED = Fault(status=400, body={"error": {"message": "response_format is not supported"}})
KEY_REFUSED = Fault(status=401, body={"error": {"message": "no key"}})


@pytest.fixture(autouse=True)
def _reset_first_method() -> Iterator[None]:
    extraction_calls._first_method.clear()
    yield
    extraction_calls._first_method.clear()


def method_of(request: dict[str, Any]) -> str:
    if "response_format" in request:
        return "json_schema"
    return "function calling" if "tools" in request else "JSON in the prompt"


async def extract_with(*replies: Reply | Fault | str) -> tuple[set[str], list[str]]:
    """Send one message; return the entity names in the store and the methods in order."""
    remaining_replies = list(replies)
    store = InMemoryStore()
    async with open_scripted(store) as thread:
        thread.context["memory"] = "entity"
        thread.extract = lambda request: remaining_replies.pop(0)
        output = await thread.say(TEXT)
        assert output["messages"][-1].text == "Noted."
        items = await store.asearch(entities_of(await user_key(store, "ada")))
        methods = [
            method_of(request)
            for request in thread.server.requests
            if purpose_of_request(request) == "extraction"
        ]
    return {item.value["name"] for item in items}, methods


async def test_a_schema_is_tried_first() -> None:
    assert await extract_with(json.dumps(EXTRACTION)) == ({"Miriam"}, ["json_schema"])


async def test_function_calling_is_tried_second_and_json_in_the_prompt_third() -> None:
    tool_call = Reply(tool_calls=[("note_extraction", EXTRACTION)])
    assert await extract_with(SCHEMA_REFUSED, tool_call) == (
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


async def test_a_refused_key_is_not_tried_with_other_methods() -> None:
    names, methods = await extract_with(KEY_REFUSED)
    assert "Miriam" in names
    assert methods == ["json_schema"]


async def test_the_method_that_succeeded_is_tried_first_next_time() -> None:
    async with open_scripted() as thread:
        thread.context["memory"] = "entity"
        thread.extract = lambda request: (
            SCHEMA_REFUSED if method_of(request) != "JSON in the prompt" else json.dumps(EXTRACTION)
        )
        await thread.say(TEXT)
        await thread.say(TEXT)
        methods = [
            method_of(request)
            for request in thread.server.requests
            if purpose_of_request(request) == "extraction"
        ]
    assert methods == [
        "json_schema",
        "function calling",
        "JSON in the prompt",
        "JSON in the prompt",
    ]


def test_the_schema_meets_the_strict_rules_of_openai() -> None:
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
