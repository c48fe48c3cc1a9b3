"""Each message is shown to the model or covered, also when summaries fail."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.scripted_thread import ScriptedThread, open_scripted, prompt_tokens
from threadkeep.graph.state import State
from threadkeep.testing import Fault, Reply

SMALL = {"max_tokens": 1_500, "reserve_tokens": 300, "memory": "progressive"}
FILLER = "We spoke at length about the weather over the harbour, and agreed on little else. "


def message_text(number: int, size: int = 60) -> str:
    return f"Message {number}: " + FILLER * (size // 15)


def summariser_with(kind: str) -> Callable[[dict[str, Any]], Reply | Fault | str]:
    def summarise(request: dict[str, Any]) -> Reply | Fault | str:
        outcomes: dict[str, Reply | Fault | str] = {
            "good": "They talked about the weather.",
            "empty": " ",
            "too long": "word " * 2_000,
            "cut off": Reply("They talked abo", finish_reason="length"),
            "refused": Fault(status=400, body={"error": {"message": "no"}}),
            "no quota": Fault(status=429, body={"error": {"code": "insufficient_quota"}}),
        }
        return outcomes[kind]

    return summarise


class CoverageChecker:
    """Collect the messages of a thread in order, and check that each is shown or covered."""

    def __init__(self, thread: ScriptedThread) -> None:
        self.thread = thread
        self.ids: list[str] = []
        self.texts: dict[str, str] = {}

    async def turn(self, text: str, **context: Any) -> None:
        before = await self.thread.state() if self.ids else State()
        output = await self.thread.say(text, **context)
        for message in [
            *before.messages,
            *output["messages"],
            *(await self.thread.state()).messages,
        ]:
            if message.id and message.id not in self.texts:
                self.ids.append(message.id)
                self.texts[message.id] = str(message.text)
        if context.get("memory", "progressive") in ("progressive", "hybrid", "summary"):
            await self.check()

    async def check(self) -> None:
        """Check that the newest prompt shows or covers every message before it."""
        state = await self.thread.state()
        prompt_texts = {message["content"] for message in self.thread.prompts[-1]}
        positions = {message_id: position for position, message_id in enumerate(self.ids)}
        covered = max(
            positions.get(state.summarized_through, -1), positions.get(state.extracted_through, -1)
        )
        for position, message_id in enumerate(self.ids[:-1]):
            assert position <= covered or self.texts[message_id] in prompt_texts, (
                position,
                covered,
            )
        ids = [message.id for message in state.messages]
        assert all(message_id in ids for message_id in self.ids[covered + 1 :])


async def test_each_message_is_shown_or_covered_at_every_turn() -> None:
    async with open_scripted() as thread:
        thread.context |= SMALL
        thread.replies = lambda request: f"Reply {len(thread.prompts)}: " + FILLER
        checker = CoverageChecker(thread)
        for number in range(40):
            await checker.turn(message_text(number))
        assert len(thread.summaries) >= 3
        for text in checker.texts.values():
            evicted = text not in {message.text for message in (await thread.state()).messages}
            assert not evicted or any(text.strip() in prompt for prompt in thread.summaries)


@pytest.mark.parametrize("kind", ["empty", "too long", "cut off", "refused", "no quota"])
async def test_a_failed_summary_leaves_the_state_unchanged_and_is_retried(kind: str) -> None:
    async with open_scripted() as thread:
        thread.context |= SMALL
        thread.summarise = summariser_with(kind)
        checker, number = CoverageChecker(thread), 0
        while not thread.summaries:
            await checker.turn(message_text(number))
            number += 1
        state = await thread.state()
        assert (state.summary, state.summarized_through, state.extract) == ("", "", "")
        assert len(state.messages) == 2 * number
        attempts = len(thread.summaries)
        while not (await thread.state()).extract:
            await checker.turn(message_text(number))
            number += 1
        assert len(thread.summaries) > attempts
        assert "# Quoted, not summarised yet" in thread.prompts[-1][1]["content"]
        thread.summarise = summariser_with("good")
        await checker.turn(message_text(number))
        state = await thread.state()
        assert state.summary == "They talked about the weather."
        assert state.extract == ""
        await checker.turn("And now?")
        assert "# Quoted" not in thread.prompts[-1][1]["content"]
        assert all(
            any(message_text(number).strip() in prompt for prompt in thread.summaries)
            for number in range(3)
        )


async def test_the_state_stays_bounded_when_every_summary_fails() -> None:
    async with open_scripted() as thread:
        thread.context |= SMALL
        thread.summarise = summariser_with("empty")
        checker, sizes = CoverageChecker(thread), []
        for number in range(160):
            await checker.turn(message_text(number))
            sizes.append(len((await thread.state()).messages))
        assert max(sizes[80:]) <= max(sizes[:80]) + 2


async def test_every_summary_extends_the_one_before() -> None:
    async with open_scripted() as thread:
        thread.context |= SMALL
        thread.summarise = lambda request: f"Summary number {len(thread.summaries)}."
        for number in range(30):
            await thread.say(message_text(number))
        for number, prompt in enumerate(thread.summaries[1:], 1):
            assert f"<summary_so_far>\nSummary number {number}.\n</summary_so_far>" in prompt


async def test_a_message_too_long_for_one_call_is_shown_to_the_summariser_in_parts() -> None:
    async with open_scripted() as thread:
        thread.context |= SMALL
        text = " ".join(f"fact{number}" for number in range(2_000))
        await thread.say(text)
        for number in range(6):
            await thread.say(message_text(number))
        transcripts = "\n".join(
            re.findall(r"<new_messages>\n(.*?)\n</new_messages>", "\n".join(thread.summaries), re.S)
        )
        assert set(re.findall(r"fact\d+", transcripts)) == set(text.split())
        calls = [request for request in thread.server.requests if "<new_messages>" in str(request)]
        assert all(len(call["messages"]) == 1 for call in calls)


LITERALS = {
    "name": "My colleague Ottoline Vance called this morning.",
    "number": "The gate code is 4711-KX.",
    "date": "The lease ends on 3 June 2027.",
    "path": "The report is in ~/docs/q3/report.pdf now.",
    "url": "It is all on https://example.org/plans?id=7 as of today.",
    "quote": 'She said "keep the old lock" to me.',
    "denial": "Please never deploy on a holiday.",
}


async def test_literals_of_summarised_messages_are_quoted_word_for_word() -> None:
    async with open_scripted() as thread:
        thread.context |= {**SMALL, "max_tokens": 3_000}
        for text in LITERALS.values():
            await thread.say(text)
        for _ in range(60):
            await thread.say("So it goes, on and on, as it ever did, and nobody minds. " * 4)
        assert len(thread.summaries) >= 2
        pins = (await thread.state()).pins
        block = thread.prompts[-1][1]["content"]
        for literal in (
            "Ottoline Vance",
            "4711-KX",
            "3 June 2027",
            "~/docs/q3/report.pdf",
            "https://example.org/plans?id=7",
            '"keep the old lock"',
            "never deploy on a holiday",
        ):
            (pin,) = [pin for pin in pins if literal in pin["text"]]
            assert literal in block
            assert pin["message"]


async def test_literal_passages_are_limited_and_the_least_used_are_dropped_first() -> None:
    async with open_scripted() as thread:
        thread.context |= SMALL
        await thread.say("The gate code is 4711-KX.")
        for number in range(60):
            prefix = "4711-KX again. " if number % 8 == 0 else ""
            await thread.say(f"{prefix}Box {number}-QZ holds {number * 7} jars. " + FILLER * 4)
        pins = (await thread.state()).pins
        assert any("4711-KX" in pin["text"] for pin in pins)
        assert not any("Box 0-QZ" in pin["text"] for pin in pins)
        assert all(prompt_tokens({"messages": prompt}) <= 1_200 for prompt in thread.prompts)


async def test_messages_that_one_preset_prunes_are_covered_for_a_later_summary() -> None:
    async with open_scripted() as thread:
        thread.context |= SMALL
        checker = CoverageChecker(thread)
        await checker.turn("The gate code is 4711-KX.", memory="window", window=1)
        for number in range(8):
            await checker.turn(message_text(number), memory="window", window=1)
        assert len((await thread.state()).messages) <= 6
        await checker.turn("And now?")
        assert "4711-KX" in thread.prompts[-1][1]["content"]


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["progressive", "progressive", "summary", "window", "buffer"]),
            st.sampled_from(["good", "good", "empty", "too long", "refused"]),
            st.integers(1, 500),
        ),
        min_size=8,
        max_size=16,
    )
)
async def test_no_preset_and_no_fault_loses_a_message(turns: list[tuple[str, str, int]]) -> None:
    async with open_scripted() as thread:
        thread.context |= {**SMALL, "window": 1}
        checker = CoverageChecker(thread)
        for number, (preset, kind, size) in enumerate(turns):
            thread.summarise = summariser_with(kind)
            await checker.turn(message_text(number, size), memory=preset)
