from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from threadkeep.base.validation import join_surrogates
from threadkeep.models.reasoning import (
    ReasoningSplitter,
    SurrogateJoiner,
    joined,
    split_reasoning,
)

PARTS = st.sampled_from(
    [
        "<think>",
        "</think>",
        "<THINKING>",
        "</Thinking>",
        "<reasoning>",
        "[THINK]",
        "[/THINK]",
        "`",
        "``",
        "```",
        "~~~",
        "\n",
        "\n\n",
        " ",
        "<",
        "a",
        "Blue.",
        "</",
        "<thi",
        "nk>",
    ]
)
TEXTS = st.lists(PARTS, max_size=14).map("".join)


def cut(text: str, places: list[int]) -> list[str]:
    """Return the text cut at these places, modulo its length."""
    ends = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[start:end] for start, end in pairwise(ends)]


@pytest.mark.parametrize(
    ("text", "answer", "reasoning"),
    [
        ("Blue.", "Blue.", ""),
        (" Blue. ", " Blue. ", ""),
        ("<think>plan</think>\n\nBlue.", "Blue.", "plan"),
        ("<THINK>plan</THINK>Blue.", "Blue.", "plan"),
        ("<thinking>plan</thinking>Blue.", "Blue.", "plan"),
        ("<reasoning>plan</reasoning>Blue.", "Blue.", "plan"),
        ("[THINK]plan[/THINK]Blue.", "Blue.", "plan"),
        ("<think>a</think>Blue.<think>b</think> Red.", "Blue. Red.", "a\nb"),
        ("<think>a</think>\n<think>b</think>\nBlue.", "Blue.", "a\nb"),
        ("plan\n</think>\n\nBlue.", "Blue.", "plan"),
        ("plan</think>", "", "plan"),
        ("<think>plan", "", "plan"),
        ("<think>plan</thin", "", "plan</thin"),
        ("<think>a</think>Blue.</think>", "Blue.", "a\nBlue."),
        ("Write `<think>` first.", "Write `<think>` first.", ""),
        ("Write ``a ` <think>`` first.", "Write ``a ` <think>`` first.", ""),
        ("```xml\n<think>\n</think>\n```\nSo.", "```xml\n<think>\n</think>\n```\nSo.", ""),
        ("A model writes <think> first.", "A model writes <think> first.", ""),
        ("It's a ` sign.\n<think>a</think>Blue.", "It's a ` sign.\nBlue.", "a"),
        ("a < b and c <th> d", "a < b and c <th> d", ""),
        ("<think>`</think>Blue.", "Blue.", "`"),
    ],
)
def test_reasoning_is_split_from_the_answer(text: str, answer: str, reasoning: str) -> None:
    assert split_reasoning(text) == (answer, reasoning)


@given(TEXTS, st.lists(st.integers(0, 200), max_size=12), st.booleans())
@example("plan</think>Blue.", list(range(20)), True)
def test_any_cut_into_chunks_gives_the_same(text: str, places: list[int], hold: bool) -> None:
    splitter = ReasoningSplitter(hold=hold)
    pieces = [piece for chunk in cut(text, places) for piece in splitter.feed(chunk)]
    pieces += splitter.close()
    assert (splitter.answer, splitter.reasoning) == split_reasoning(text)
    whole = ReasoningSplitter(hold=hold)
    expected = [*whole.feed(text), *whole.close()]
    assert joined(pieces, "answer") == joined(expected, "answer")
    assert joined(pieces, "reasoning") == joined(expected, "reasoning")


@given(st.text(alphabet="ab`\n <", max_size=60))
def test_a_text_without_tags_is_all_answer(text: str) -> None:
    assert split_reasoning(text) == (text, "")


@given(st.text(alphabet=st.characters(), max_size=30), st.lists(st.integers(0, 60), max_size=8))
def test_surrogate_halves_are_joined_over_chunks(text: str, places: list[int]) -> None:
    units = text.encode("utf-16-le", "surrogatepass")
    halves = "".join(
        chr(int.from_bytes(units[at : at + 2], "little")) for at in range(0, len(units), 2)
    )
    joiner = SurrogateJoiner()
    streamed = "".join(map(joiner.feed, cut(halves, places))) + joiner.close()
    assert streamed == join_surrogates(text)
    streamed.encode()
