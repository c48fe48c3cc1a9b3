from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from threadkeep.base.tokens import count_text
from threadkeep.models.offline import OfflineChatModel
from threadkeep.prompt.extractive_summary import score_sentence, summarize

FOLDED: Sequence[BaseMessage] = [
    HumanMessage("Hello! My sister Miriam moved to Lisbon in March. It is nice out."),
    AIMessage("That is good to hear."),
    HumanMessage("The report is at /srv/reports/q3.pdf and is due on 3 May."),
    HumanMessage("I never eat olives."),
]


def test_a_summary_names_who_said_it_and_keeps_their_words() -> None:
    summary = summarize("", FOLDED, 500)
    assert "user: My sister Miriam moved to Lisbon in March." in summary
    assert "user: The report is at /srv/reports/q3.pdf and is due on 3 May." in summary


def test_the_summary_so_far_stands_first_and_is_never_restarted() -> None:
    first = summarize("", FOLDED[:1], 500)
    second = summarize(first, FOLDED[1:], 500)
    assert second.startswith(first)
    assert "olives" in second


def test_the_previous_summary_of_a_model_is_kept_too() -> None:
    previous = "Ada plans a trip to Oslo on 3 June. " * 1 + "She wants 4 tickets. " * 1
    assert summarize(previous, FOLDED, 500).startswith("Ada plans a trip to Oslo on 3 June.")


def test_what_tells_least_goes_first() -> None:
    summary = summarize("", FOLDED, 45)
    assert "Lisbon" in summary
    assert "q3.pdf" in summary
    assert "It is nice out" not in summary
    assert "good to hear" not in summary


def test_the_same_input_gives_the_same_summary_and_twice_is_once() -> None:
    once = summarize("", FOLDED, 500)
    assert once == summarize("", FOLDED, 500) == summarize(once, FOLDED, 500)


def test_names_numbers_paths_and_denials_are_worth_more_than_small_talk() -> None:
    told = ["user: Tom pays 40 euros.", "user: See https://a.example/x.", "user: I never eat fish."]
    assert (
        min(map(score_sentence, told))
        > score_sentence("user: that sounds nice to me.")
        > score_sentence("user: ok")
    )


def test_the_offline_models_own_words_are_left_out() -> None:
    reply = OfflineChatModel().invoke([HumanMessage("I live in Bergen.")])
    assert "Noted" not in summarize("", [HumanMessage("I live in Bergen."), reply], 500)


def test_something_is_always_kept_of_something() -> None:
    assert summarize("", [HumanMessage("")], 50)
    assert summarize("", [AIMessage("x" * 5_000)], 3)
    assert summarize("", [ToolMessage("42", tool_call_id="a")], 50) == "tool: 42"
    assert summarize("", [], 50) == ""


@pytest.mark.parametrize("limit", [20, 60, 200])
@given(
    previous=st.text(max_size=300),
    texts=st.lists(st.text(max_size=200) | st.just("日本に 17 km " * 40), min_size=1, max_size=6),
)
def test_no_text_raises_and_none_exceeds_the_size(
    limit: int, previous: str, texts: list[str]
) -> None:
    summary = summarize(previous, [HumanMessage(text) for text in texts], limit)
    assert summary.strip()
    assert count_text(summary) <= limit


def test_a_large_message_takes_well_under_a_second() -> None:
    assert len(summarize("", [HumanMessage("a/" * 16_000), HumanMessage("(" * 32_000)], 100)) > 0
