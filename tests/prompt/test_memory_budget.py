"""The memory block, with its fence and headings, stays within its budget."""

from hypothesis import given, settings
from hypothesis import strategies as st

from threadkeep.base.memory_block import RecalledItem, render_memories
from threadkeep.base.tokens import count_text
from threadkeep.prompt.memory_budget import best_within

TEXTS = st.text(max_size=60) | st.integers(1, 60).map(lambda n: "Olive grove, 17 km!\n" * n)
ITEMS = st.lists(
    st.builds(
        lambda kind, text, speaker, day, thread, score: RecalledItem(
            id="m",
            kind=kind,
            text=text,
            speaker=speaker,
            time=f"2026-03-{day:02}T10:00:00+00:00",
            thread=thread,
            score=score,
            tokens=count_text(text),
        ),
        st.sampled_from(["message", "message", "message", "fact", "entity"]),
        TEXTS,
        st.sampled_from(["user", "assistant", "Caroline", "Дарья"]),
        st.integers(1, 5),
        st.sampled_from(["first", "second", "第三"]),
        st.floats(0, 1),
    ),
    max_size=30,
)


@settings(max_examples=200, deadline=None)
@given(ITEMS, st.integers(0, 1_500))
def test_a_block_never_exceeds_its_budget(items: list[RecalledItem], budget: int) -> None:
    selection = best_within(items, budget)
    block = render_memories(selection)
    assert count_text(block) <= budget
    assert selection == [item for item in items if any(item is other for other in selection)]
    if budget >= count_text(render_memories(items)) + 1:
        assert len(selection) == len(items)


def test_two_short_messages_are_preferred_to_a_long_one_of_similar_score() -> None:
    def message(number: int, text: str, score: float) -> RecalledItem:
        return RecalledItem(
            id=str(number),
            kind="message",
            text=text,
            speaker="user",
            time="2026-03-04T10:00:00+00:00",
            thread="first",
            score=score,
        )

    long = message(0, "We talked about it at length and agreed on little else. " * 6, 0.62)
    short = [message(1, "The gate code is 4711.", 0.6), message(2, "The gate is green.", 0.6)]
    budget = count_text(render_memories([long])) + 1
    assert [item["id"] for item in best_within([long, *short], budget)] == ["1", "2"]
    assert best_within([long], budget) == [long]
