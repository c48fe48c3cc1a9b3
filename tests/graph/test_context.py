import pytest
from pydantic import TypeAdapter

from threadkeep.base.errors import BadInput
from threadkeep.graph.agent import graph
from threadkeep.graph.context import Context


def test_a_context_without_a_user_is_refused() -> None:
    with pytest.raises(BadInput, match="user_id is missing"):
        Context()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"max_tokens": 100}, "max_tokens 100 is not allowed"),
        ({"max_tokens": "many"}, "max_tokens 'many' is not allowed"),
        ({"memory": "elephant"}, "memory 'elephant' is not allowed"),
        ({"recall_tokens": -1}, "recall_tokens -1 is not allowed"),
        ({"window": 0}, "window 0 is not allowed"),
        ({"tempo": 3}, "no field 'tempo'"),
        ({"reserve_tokens": 8_000}, "reserve_tokens 8000 leaves nothing"),
    ],
)
def test_an_invalid_value_is_one_sentence_with_field_and_value(
    values: dict[str, object], message: str
) -> None:
    with pytest.raises(BadInput, match=message) as raised:
        Context.model_validate({"user_id": "ada", **values})
    assert "\n" not in str(raised.value)


async def test_a_run_without_a_user_is_refused() -> None:
    with pytest.raises(BadInput, match="user"):
        await graph.ainvoke({"messages": []})


def test_every_field_has_a_description_and_its_limits() -> None:
    schema = graph.get_context_jsonschema()
    assert schema is not None
    for name, field in schema["properties"].items():
        assert field["description"], name
    assert schema["properties"]["max_tokens"]["minimum"] == 512
    assert "hybrid" in schema["properties"]["memory"]["enum"]


def test_the_input_has_one_field_and_the_context_requires_the_user() -> None:
    assert list(graph.get_input_jsonschema()["properties"]) == ["messages"]
    assert TypeAdapter(Context).json_schema()["required"] == ["user_id"]
