"""What was recalled, by the user's message in front of which it is shown."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from langchain_core.messages import AnyMessage, HumanMessage

from chat_models.tokens import count_message
from graph.memories import PINNED, Memory
from graph.state import Recalled
from nodes.legal import Exchange, newest_user_message
from nodes.memory_budget import within
from nodes.prompts import memory_message, with_memories
from nodes.recalled import placed

Blocks = Mapping[str, Sequence[Memory]]
"""Memories by the id of the message that they stand in front of, the best first."""


def blocks_of(memories: Sequence[Memory], messages: Sequence[AnyMessage]) -> Blocks:
    """Return the memories by place; those whose message is gone are left out."""
    asked = {message.id for message in messages if isinstance(message, HumanMessage)}
    blocks: dict[str, list[Memory]] = defaultdict(list)
    for memory in memories:
        if (place := memory.get("before", "")) in asked:
            blocks[place].append(memory)
    return dict(blocks)


def memory_messages(blocks: Blocks) -> dict[str, HumanMessage]:
    """Return one message of fenced memories for each message that some stand in front of."""
    return {place: memory_message(there, place) for place, there in blocks.items() if there}


def cost(part: Exchange, blocks: Blocks) -> int:
    """Return what the messages take together with the memories in front of them."""
    ids = {message.id or "" for message in part}
    there = {place: found for place, found in blocks.items() if place in ids}
    return sum(map(count_message, with_memories(part, memory_messages(there))))


def within_budget(blocks: Blocks, part: Exchange, budget: int) -> Blocks:
    """Return the blocks without the worst of what stands in front of `part`, which takes less."""
    ids = {message.id or "" for message in part}
    left = {place: list(found) for place, found in blocks.items()}
    for place in ids & left.keys():
        found = left[place]
        while found and count_message(memory_message(found, place)) > budget:
            found.pop()
        budget -= count_message(memory_message(found, place)) if found else 0
    return {place: found for place, found in left.items() if found}


def gathered(blocks: Blocks, newest: Exchange, budget: int) -> Blocks:
    """Return all memories in front of the newest question, its own first, within `budget` tokens.

    They were not recalled again because they stood further up: now they would be missed.
    """
    question = newest_user_message(newest)
    place = question.id or "" if question else ""
    earlier = [memory for other in list(blocks)[::-1] if other != place for memory in blocks[other]]
    kept = within([*blocks.get(place, ()), *earlier], budget)
    return {place: kept} if kept else {}


def recalled_in(
    prompt: Sequence[AnyMessage], blocks: Blocks, recalled: Sequence[Recalled]
) -> list[Recalled]:
    """Return what of `recalled` is in the prompt, each where it stands now."""
    known = {found[0][-1]: found for turn in recalled for found in placed(turn)}
    ids = {message.id for message in prompt}
    # What is pinned stands in a message of its own.
    left = [turn for turn in recalled if turn["before"] == PINNED and PINNED in ids]
    for message in prompt:
        shown = blocks.get(message.id or "", ())
        found = [known[memory["id"]] for memory in shown if memory["id"] in known]
        if found:
            places, scores = [place for place, _ in found], [score for _, score in found]
            left.append({"before": message.id or "", "places": places, "scores": scores})
    return left
