"""Messages larger than the window are cut in their middle, never left out."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from tests.prompt.test_plan import assert_valid
from threadkeep.base.tokens import count_message, count_messages, is_cut
from threadkeep.graph.context import Context
from threadkeep.graph.state import State
from threadkeep.prompt.large_messages import fit_evenly
from threadkeep.prompt.plan import PromptPlan, plan_prompt

TEXTS = {
    "lines": "first row\n" + "".join(f"row {i} is {i * 7}\n" for i in range(6_000)) + "last row",
    "json on one line": json.dumps(["first", *range(30_000), "last"], separators=(",", ":")),
    "Japanese": "最初の行。" + "日本語の長い文章。" * 8_000 + "最後の行。",
    "emoji": "🙂 first " + "🙃🇳🇴👩‍👩‍👧" * 5_000 + " last 🙂",
    "one word": "first" + "x" * 100_000 + "last",
}
PICTURE = {"type": "image", "base64": "QUJD" * 1_000, "mime_type": "image/png"}


def call(key: str, number: int = 1, **args: Any) -> AIMessage:
    calls = [{"name": "read", "args": args, "id": f"{key}-{n}"} for n in range(number)]
    return AIMessage("", id=key, tool_calls=calls)


def result(content: Any, key: str, number: int = 0) -> ToolMessage:
    return ToolMessage(content, tool_call_id=f"{key}-{number}", id=f"result-{key}-{number}")


def plan(*messages: AnyMessage, **context: Any) -> PromptPlan:
    planned = plan_prompt(State(messages=list(messages)), [], Context(user_id="ada", **context))
    assert_valid(planned.prompt)
    assert count_messages(planned.prompt) == planned.ledger["counted"]
    assert planned.ledger["counted"] <= Context(user_id="ada", **context).prompt_tokens
    return planned


def results_of(planned: PromptPlan) -> list[str]:
    return [str(m.content) for m in planned.prompt if isinstance(m, ToolMessage)]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_result_keeps_its_beginning_and_its_end(text: str) -> None:
    planned = plan(HumanMessage("What is in it?", id="q"), call("a"), result(text, "a"))
    (content,) = results_of(planned)
    assert content[:5] == text[:5]
    assert content[-4:] == text[-4:]
    assert is_cut(content)
    assert planned.ledger["shortened"]["messages"] == 1
    assert planned.ledger["shortened"]["tokens"] == (
        count_message(result(text, "a")) - count_message(planned.prompt[-1])
    )


def test_several_results_of_one_call_or_of_several_are_all_shown() -> None:
    text = TEXTS["lines"]
    one = plan(
        HumanMessage("Compare.", id="q"), call("a", 3), *(result(text, "a", n) for n in range(3))
    )
    steps: list[AnyMessage] = [m for key in "abc" for m in (call(key), result(text, key))]
    several = plan(HumanMessage("Compare.", id="q"), *steps)
    for planned in (one, several):
        texts = results_of(planned)
        assert len(texts) == 3
        assert all(is_cut(text) and text.endswith("last row") for text in texts)
        assert planned.ledger["shortened"]["messages"] == 3


@pytest.mark.parametrize("memory", ["hybrid", "summary", "buffer", "window"])
def test_a_result_of_an_earlier_turn_is_cut_too(memory: str) -> None:
    turn: list[AnyMessage] = [
        HumanMessage("Read it.", id="q"),
        call("a"),
        result(TEXTS["lines"], "a"),
    ]
    planned = plan(*turn, AIMessage("Done.", id="d"), HumanMessage("And?", id="n"), memory=memory)
    (content,) = results_of(planned)
    assert is_cut(content)
    assert [m.content for m in planned.prompt if isinstance(m, HumanMessage)][-2:] == [
        "Read it.",
        "And?",
    ]
    assert planned.ledger["shortened"]["messages"] == 1


@pytest.mark.parametrize(
    "args",
    [
        {"code": TEXTS["lines"], "path": "a.txt"},
        {"rows": list(range(30_000))},
        {"nested": {"texts": [TEXTS["Japanese"]] * 2}},
    ],
)
def test_arguments_of_a_call_are_cut_and_stay_an_object(args: dict[str, Any]) -> None:
    planned = plan(HumanMessage("Save it.", id="q"), call("a", **args), result("saved", "a"))
    caller = planned.prompt[-2]
    assert isinstance(caller, AIMessage)
    assert is_cut(json.dumps(caller.tool_calls[0]["args"], ensure_ascii=False))
    assert results_of(planned) == ["saved"]
    if "path" in args:
        assert caller.tool_calls[0]["args"]["path"] == "a.txt"


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_the_newest_message_is_cut_and_keeps_its_picture(text: str) -> None:
    content: list[Any] = [{"type": "text", "text": text}, PICTURE]
    planned = plan(HumanMessage(text, id="q"))
    assert is_cut(str(planned.prompt[-1].content))
    pictured = plan(HumanMessage(content, id="q")).prompt[-1].content
    assert PICTURE in pictured
    assert is_cut(pictured[0]["text"])  # type: ignore[index]


def test_more_pictures_than_fit_leave_words_for_the_first_of_them() -> None:
    planned = plan(HumanMessage([PICTURE] * 12, id="q"))
    blocks = planned.prompt[-1].content
    assert blocks[0] == {"type": "text", "text": "[image image/png, 3 kB]"}
    assert blocks[-1] == PICTURE
    assert len(blocks) == 12


def test_many_steps_leave_the_newest_of_them() -> None:
    text = TEXTS["lines"][:3_000]
    steps: list[AnyMessage] = [m for n in range(40) for m in (call(f"s{n}"), result(text, f"s{n}"))]
    planned = plan(HumanMessage("Go on.", id="q"), *steps)
    assert isinstance(planned.prompt[1], HumanMessage)
    assert planned.prompt[-1].id == "result-s39-0"
    assert 3 <= len(results_of(planned)) <= 10
    assert planned.ledger["shortened"]["messages"] > 40


def test_a_prompt_that_fits_says_nothing_of_a_cut() -> None:
    planned = plan(HumanMessage("Hello.", id="q"), call("a"), result("rain", "a"))
    assert "shortened" not in planned.ledger
    assert results_of(planned) == ["rain"]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 3_000), min_size=1, max_size=6), st.integers(0, 4_000), st.booleans()
)
def test_messages_fit_any_budget_that_holds_their_overhead(
    sizes: list[int], budget: int, in_blocks: bool
) -> None:
    texts = ["olive 17 " * (size // 4) for size in sizes]
    contents: list[Any] = [[{"type": "text", "text": t}] if in_blocks else t for t in texts]
    messages = [HumanMessage(content, id=str(n)) for n, content in enumerate(contents)]
    overhead = sum(count_message(HumanMessage("", id="e")) for _ in messages)
    fitted = fit_evenly(messages, budget)
    assert [m.id for m in fitted] == [m.id for m in messages]
    if budget >= overhead:
        assert sum(map(count_message, fitted)) <= budget
    if sum(map(count_message, messages)) <= budget:
        assert fitted == messages
