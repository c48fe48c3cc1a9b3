from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from threadkeep.base.tokens import count_text
from threadkeep.models.offline import OfflineChatModel
from threadkeep.prompt.extractive_summary import score_sentence, summarize

MESSAGES: Sequence[BaseMessage] = [
    HumanMessage("Hello! My sister Miriam moved to Lisbon in March. It is nice out."),
    AIMessage("That is good to hear."),
    HumanMessage("The report is at /srv/reports/q3.pdf and is due on 3 May."),
    HumanMessage("I never eat olives."),
]


def test_a_summary_quotes_sentences_with_their_speakers() -> None:
    summary = summarize("", MESSAGES, 500)
    assert "user: My sister Miriam moved to Lisbon in March." in summary
    assert "user: The report is at /srv/reports/q3.pdf and is due on 3 May." in summary


def test_the_previous_summary_comes_first_and_is_extended() -> None:
    first = summarize("", MESSAGES[:1], 500)
    second = summarize(first, MESSAGES[1:], 500)
    assert second.startswith(first)
    assert "olives" in second


def test_the_previous_summary_of_a_model_is_extended_too() -> None:
    previous = "Ada plans a trip to Oslo on 3 June. " * 1 + "She wants 4 tickets. " * 1
    assert summarize(previous, MESSAGES, 500).startswith("Ada plans a trip to Oslo on 3 June.")


def test_the_least_informative_sentences_are_dropped_first() -> None:
    summary = summarize("", MESSAGES, 45)
    assert "Lisbon" in summary
    assert "q3.pdf" in summary
    assert "It is nice out" not in summary
    assert "good to hear" not in summary


def test_a_summary_is_deterministic_and_idempotent() -> None:
    summary = summarize("", MESSAGES, 500)
    assert summary == summarize("", MESSAGES, 500) == summarize(summary, MESSAGES, 500)


def test_names_numbers_paths_and_denials_score_higher_than_small_talk() -> None:
    sentences = [
        "user: Tom pays 40 euros.",
        "user: See https://a.example/x.",
        "user: I never eat fish.",
    ]
    assert (
        min(map(score_sentence, sentences))
        > score_sentence("user: that sounds nice to me.")
        > score_sentence("user: ok")
    )


def test_replies_of_the_offline_model_are_not_quoted() -> None:
    reply = OfflineChatModel().invoke([HumanMessage("I live in Bergen.")])
    assert "Noted" not in summarize("", [HumanMessage("I live in Bergen."), reply], 500)


def test_a_summary_of_messages_is_never_empty() -> None:
    assert summarize("", [HumanMessage("")], 50)
    assert summarize("", [AIMessage("x" * 5_000)], 3)
    assert summarize("", [ToolMessage("42", tool_call_id="a")], 50) == "tool: 42"
    assert summarize("", [], 50) == ""


@pytest.mark.parametrize("limit", [20, 60, 200])
@given(
    previous=st.text(max_size=300),
    texts=st.lists(st.text(max_size=200) | st.just("日本に 17 km " * 40), min_size=1, max_size=6),
)
def test_no_text_raises_and_no_summary_exceeds_the_size(
    limit: int, previous: str, texts: list[str]
) -> None:
    summary = summarize(previous, [HumanMessage(text) for text in texts], limit)
    assert summary.strip()
    assert count_text(summary) <= limit


def test_a_large_message_takes_well_under_a_second() -> None:
    assert len(summarize("", [HumanMessage("a/" * 16_000), HumanMessage("(" * 32_000)], 100)) > 0
