"""Tool calls and results are matched whatever ids a provider or a client gave them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from threadkeep.prompt.valid_messages import NO_RESULT, valid_messages


def calls(*ids: str | None, message: str = "a") -> AIMessage:
    """Return a message with a call per id; the arguments number them."""
    tool_calls = [{"name": "look", "args": {"n": n}, "id": id_} for n, id_ in enumerate(ids)]
    return AIMessage("", id=message, tool_calls=tool_calls)


def result(text: str, call_id: str) -> ToolMessage:
    return ToolMessage(text, id=f"r-{text}", tool_call_id=call_id)


def matched(messages: list[AnyMessage]) -> list[str]:
    """Return the result of each call in order; each call must be followed by its own."""
    valid, texts, ids = valid_messages(messages), list[str](), list[str]()
    for place, message in enumerate(valid):
        if isinstance(message, AIMessage):
            for number, call in enumerate(message.tool_calls, start=place + 1):
                following = valid[number]
                assert isinstance(following, ToolMessage)
                assert following.tool_call_id == call["id"]
                ids.append(str(call["id"]))
                texts.append(str(following.text))
    assert all(ids)
    assert len(set(ids)) == len(ids)
    assert len(texts) == sum(isinstance(message, ToolMessage) for message in valid)
    return texts


QUESTION = HumanMessage("What?", id="h")
MATCHES: list[tuple[list[AnyMessage], list[str]]] = [
    ([calls("", ""), result("x", ""), result("y", "")], ["x", "y"]),
    ([calls(None, None), result("x", ""), result("y", "")], ["x", "y"]),
    ([calls("c0", "c0"), result("x", "c0"), result("y", "c0")], ["x", "y"]),
    ([calls("c0", "", "c2"), result("z", "c2"), result("y", ""), result("x", "c0")], [*"xyz"]),
    ([calls("c0", ""), result("x", "c0"), result("y", "nobody's")], ["x", "y"]),
    ([calls("c0", "c1"), result("x", ""), result("y", "")], ["x", "y"]),
    ([calls("c0", "c1"), result("y", "c1"), result("x", "c0")], ["x", "y"]),
    ([calls("c0"), calls("c1", message="b"), result("x", "c0"), result("y", "c1")], ["x", "y"]),
    ([calls("c0"), result("x", "c0"), calls("c0", message="b"), result("y", "c0")], ["x", "y"]),
    (
        [calls("c0"), QUESTION, calls("c0", message="b"), result("y", "c0")],
        [NO_RESULT, "y"],
    ),
    ([calls("c0"), QUESTION, result("x", "c0")], ["x"]),
    ([calls("c0"), result("old", "c0"), result("new", "c0")], ["new"]),
    ([result("x", "c0"), calls("c0")], [NO_RESULT]),
    ([calls("c0"), result("x", "nobody's")], [NO_RESULT]),
    ([calls("")], [NO_RESULT]),
]


@pytest.mark.parametrize(("messages", "expected"), MATCHES)
def test_each_call_is_followed_by_its_result(
    messages: list[AnyMessage], expected: list[str]
) -> None:
    assert matched([QUESTION, *messages]) == expected


def test_ids_are_made_up_the_same_way_each_time() -> None:
    messages: list[AnyMessage] = [QUESTION, calls("", "c0", "c0"), result("x", "")]
    assert valid_messages(messages) == valid_messages(messages)
    longer: list[AnyMessage] = [*messages, HumanMessage("More.", id="h2")]
    assert valid_messages(longer)[: len(valid_messages(messages))] == valid_messages(messages)


ids = st.sampled_from(["", "c0", "c1", "c2"])
steps = st.lists(ids, min_size=1, max_size=3)


@given(st.lists(steps, max_size=6))
def test_no_result_is_lost_where_each_call_has_one(turns: list[list[str]]) -> None:
    messages: list[AnyMessage] = []
    for turn, call_ids in enumerate(turns):
        results = [result(f"{turn}.{n}", call_id) for n, call_id in enumerate(call_ids)]
        messages += [HumanMessage("Go on.", id=f"h{turn}"), calls(*call_ids, message=f"a{turn}")]
        messages += results
    texts = [f"{turn}.{n}" for turn, call_ids in enumerate(turns) for n in range(len(call_ids))]
    assert matched(messages) == texts
