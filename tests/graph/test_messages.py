"""Messages in any form are read or refused in a sentence; merging them never fails."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from threadkeep.base.errors import BadInput
from threadkeep.graph.messages import MAX_ID_CHARACTERS, merge_messages, read_messages
from threadkeep.graph.state import State, merge_ledger, validate_values

READABLE: list[tuple[Any, type[BaseMessage]]] = [
    ("hello", HumanMessage),
    (["user", "hello"], HumanMessage),
    ({"role": "user", "content": "hello"}, HumanMessage),
    ({"type": "human", "content": "hello", "id": ""}, HumanMessage),
    ({"role": "developer", "content": "Be brief."}, SystemMessage),
    ({"type": "chat", "role": "developer", "content": "Be brief."}, SystemMessage),
    (ChatMessage(content="Be brief.", role="developer"), SystemMessage),
    (ChatMessage(content="hello", role="User"), HumanMessage),
    (ChatMessage(content="hello", role="assistant"), AIMessage),
    (FunctionMessage(content="4 C", name="weather"), ToolMessage),
    ({"role": "tool", "content": "4 C"}, ToolMessage),
    ({"role": "tool", "content": None, "tool_call_id": None}, ToolMessage),
    ({"role": "assistant", "content": None, "tool_calls": None}, AIMessage),
    ({"role": "ai", "content": "", "tool_calls": [{"name": "a", "args": {}}]}, AIMessage),
    (
        {"role": "assistant", "tool_calls": [{"function": {"name": "a", "arguments": "{"}}]},
        AIMessage,
    ),
    ({"role": "remove", "id": "gone"}, RemoveMessage),
]
UNREADABLE: list[Any] = [
    5,
    None,
    {},
    {"nonsense": 1},
    {"role": "critic", "content": "Bad."},
    ChatMessage(content="Bad.", role="critic"),
    {"role": "user", "content": 5},
    {"role": "user", "content": "x", "id": [5]},
    {"role": "user", "content": "x", "id": "i" * (MAX_ID_CHARACTERS + 1)},
    {"role": "user", "content": "x", "id": "a\nb"},
    {"role": "user", "content": "x", "id": REMOVE_ALL_MESSAGES},
    {"role": "user", "content": "x", "name": "n" * 1_000_000},
    {"role": "tool", "content": "x", "tool_call_id": "i" * 1_000_000},
    {"role": "ai", "content": "", "tool_calls": [{"name": "a", "args": {}, "id": "i" * 9_000}]},
    {"role": "ai", "content": "", "tool_calls": "x"},
    {"role": "remove"},
]


@pytest.mark.parametrize(("item", "kind"), READABLE)
def test_a_message_is_read_in_every_form_that_clients_send(
    item: Any, kind: type[BaseMessage]
) -> None:
    (message,) = read_messages([item])
    assert type(message) is kind
    assert message.id != ""
    for call in getattr(message, "tool_calls", ()):
        assert call["id"] == ""


@pytest.mark.parametrize("item", UNREADABLE)
def test_what_is_no_message_is_refused_by_its_place(item: Any) -> None:
    with pytest.raises(BadInput, match=r"^input\[1\]") as error:
        read_messages(["hello", item], "input")
    assert len(str(error.value)) < 400


def test_two_messages_with_one_id_are_refused_unless_they_are_the_same() -> None:
    with pytest.raises(BadInput, match="another message"):
        read_messages([HumanMessage("a", id="1"), HumanMessage("b", id="1")])
    assert len(read_messages([HumanMessage("a", id="1")] * 2)) == 1
    assert len(read_messages([RemoveMessage(id="1")] * 2)) == 1
    (edit,) = read_messages([RemoveMessage(id="1"), HumanMessage("b", id="1")])
    assert edit.content == "b"


def test_surrogates_and_nul_are_removed_everywhere() -> None:
    call = {"name": "a", "args": {"x": "\ud800\0"}, "id": "1"}
    (message,) = read_messages([AIMessage("a\0b\ud83d", tool_calls=[call])])
    message.model_dump_json().encode()
    assert "\0" not in str(message)


items = st.one_of(
    st.none(),
    st.integers(),
    st.text(max_size=5),
    st.dictionaries(st.sampled_from(["role", "type", "content", "id"]), st.text(max_size=5)),
    st.sampled_from(["1", "2", REMOVE_ALL_MESSAGES]).map(lambda item: RemoveMessage(id=item)),
    st.tuples(st.text(max_size=3), st.sampled_from("123")).map(
        lambda item: HumanMessage(item[0], id=item[1])
    ),
    st.tuples(st.text(max_size=3), st.sampled_from("456")).map(
        lambda item: AIMessage(item[0], id=item[1])
    ),
    st.text(max_size=4).map(lambda role: ChatMessage(content="x", role=role)),
)


@given(st.lists(st.one_of(items, st.lists(items, max_size=4)), max_size=8))
def test_merging_never_raises_and_keeps_the_order_of_known_messages(updates: list[Any]) -> None:
    messages: Any = []
    for update in updates:
        before = [message.id for message in messages]
        messages = merge_messages(messages, update)
        ids = [message.id for message in messages]
        assert len(set(ids)) == len(ids)
        expected_order = [message_id for message_id in before if message_id in ids]
        order = [message_id for message_id in ids if message_id in before]
        assert order == expected_order or REMOVE_ALL_MESSAGES in str(update)
    assert merge_messages(messages, messages) == messages


VALUES: list[Any] = [5.5, "x", [1], [{"x": 1}], {"x": []}, None, True]
WRONG: list[dict[str, Any]] = [
    {field: value}
    for field in State.__annotations__
    for value in VALUES
    if not (isinstance(value, str) and field in ("summary", "extract", "messages"))
    and not (isinstance(value, str) and field.endswith("_through"))
    and not (isinstance(value, list | dict) and field in ("memories", "llm_input_messages"))
    and not (field == "messages" and value is None)
    and not (field == "ledger" and isinstance(value, dict))
]
NESTED: list[dict[str, Any]] = [
    {"ledger": {"prompt": "many"}},
    {"ledger": {"internal": 5}},
    {"turn_at": "soon"},
    {"stored": -1},
    {"stored": 2**70},
    {"ratios": {"m": float("nan")}},
    {"windows": {"m": 0}},
    {"pins": [{"text": "a", "literals": [1], "message": "m", "used": 1}]},
    {"recalled": [{"before": "m", "places": [[]]}]},
    {"recalled": [{"before": "m", "places": [["", "a"]]}]},
]


@pytest.mark.parametrize("values", WRONG + NESTED)
def test_a_wrong_value_is_refused_by_its_field(values: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=next(iter(values))):
        validate_values(values)


@pytest.mark.parametrize("values", WRONG + NESTED)
def test_a_wrong_value_that_is_stored_counts_as_none(values: dict[str, Any]) -> None:
    stored = {name: value for name, value in values.items() if name != "messages"}
    default = State()
    if "memories" not in stored and "llm_input_messages" not in stored:
        assert State(**stored) == default
    if "ledger" in stored:
        assert merge_ledger(stored["ledger"], {"reply": 1}) == {"reply": 1}
