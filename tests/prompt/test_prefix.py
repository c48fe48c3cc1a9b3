"""Between two compactions the prompt only grows at its end, and repeats no recalled item."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.store.memory import InMemoryStore

from benchmarks.scripted_thread import open_scripted

SIZES = st.lists(st.integers(1, 160), min_size=6, max_size=18)
SMALL = {"max_tokens": 1_800, "reserve_tokens": 300, "recall_tokens": 300}


def summary_in(prompt: list[dict[str, object]]) -> str:
    """Return the summary message, which changes with every compaction."""
    texts = (str(message["content"]) for message in prompt)
    return next((text for text in texts if text.startswith("<summary>")), "")


@settings(max_examples=15, deadline=None, derandomize=True)
@given(SIZES, st.sampled_from(["hybrid", "progressive", "summary"]))
async def test_between_compactions_the_prompt_only_grows_at_its_end(
    sizes: list[int], memory: str
) -> None:
    # This store does not rank and returns every item, so each turn recalls something.
    async with open_scripted(InMemoryStore()) as thread:
        thread.context |= {**SMALL, "memory": memory}
        thread.summarise = lambda request: f"Summary {len(thread.summaries)}."
        thread.name = "earlier"
        for number in range(8):
            await thread.say(f"Fact {number} is that box {number} is painted in colour {number}.")
        thread.name = "now"
        previous_prompt: list[dict[str, object]] = []
        for number, size in enumerate(sizes):
            await thread.say(f"Question {number}: " + "and so on " * size)
            prompt = thread.prompts[-1]
            if previous_prompt and summary_in(prompt) == summary_in(previous_prompt):
                assert prompt[: len(previous_prompt)] == previous_prompt
            assert repeated_lines(prompt) == []
            previous_prompt = prompt


def repeated_lines(prompt: list[dict[str, object]]) -> list[str]:
    texts = [str(message["content"]) for message in prompt]
    blocks = [text for text in texts if text.startswith("<memories>")]
    lines = Counter(
        line for block in blocks for line in block.splitlines() if line.startswith("- user")
    )
    return [line for line, count in lines.items() if count > 1]


async def test_recalled_items_stay_in_place_and_follow_corrections() -> None:
    store = InMemoryStore()
    async with open_scripted(store) as thread:
        thread.context |= {"memory": "hybrid"}
        thread.name = "earlier"
        await thread.say("The gate code is 4711.")
        thread.name = "now"
        await thread.say("What is the gate code?")
        await thread.say("And the colour of the gate?")
        first, second = thread.prompts[-2:]
        assert second[: len(first)] == first
        (item,) = [
            item
            for item in await store.asearch((), limit=100)
            if item.value.get("text") == "The gate code is 4711."
        ]
        await store.aput(item.namespace, item.key, {**item.value, "text": "The code is 9000."})
        await thread.say("Tell me again.")
        assert "9000" in thread.prompts[-1][1]["content"]
        assert "4711" not in str(thread.prompts[-1])
        await store.adelete(item.namespace, item.key)
        await thread.say("And once more.")
        assert "9000" not in str(thread.prompts[-1])


async def test_the_prompt_holds_no_clock_no_ids_and_no_counters() -> None:
    async with open_scripted() as thread:
        thread.context |= {**SMALL, "memory": "progressive"}
        for number in range(25):
            await thread.say(f"Word {number} " + "and so on " * 60)
        state = await thread.state()
        head = "\n".join(str(message["content"]) for message in thread.prompts[-1][:2])
        assert head.startswith("You are a helpful assistant")
        assert "<summary>" in head
        assert state.turn_at[:10] not in head
        assert not any((message.id or "none") in head for message in state.messages)
