"""What was recalled, by the user's message in front of which it is shown."""

from collections.abc import Sequence
from functools import cached_property

from langchain_core.messages import AnyMessage, HumanMessage

from threadkeep.base.memory_block import PINNED, RecalledItem
from threadkeep.base.tokens import count_message
from threadkeep.graph.state import RecalledTurn
from threadkeep.prompt.memory_budget import within
from threadkeep.prompt.recalled_turns import placed
from threadkeep.prompt.texts import memory_message, with_memories
from threadkeep.prompt.validity import Exchange, newest_user_message


class Blocks(dict[str, list[RecalledItem]]):
    """Memories by the id of the message that they stand in front of, the best first.

    None is empty, and what was made is not changed.
    """

    @cached_property
    def messages(self) -> dict[str, HumanMessage]:
        """One message of fenced memories for each message that some stand in front of."""
        return {place: memory_message(found, place) for place, found in self.items()}


def blocks_of(memories: Sequence[RecalledItem], messages: Sequence[AnyMessage]) -> Blocks:
    """Return the memories by place; those whose message is gone are left out."""
    asked = {message.id for message in messages if isinstance(message, HumanMessage)}
    blocks = Blocks()
    for memory in memories:
        if (place := memory.get("before", "")) in asked:
            blocks.setdefault(place, []).append(memory)
    return blocks


def cost(part: Exchange, blocks: Blocks) -> int:
    """Return what the messages take together with the memories in front of them."""
    return sum(map(count_message, with_memories(part, blocks.messages)))


def within_budget(blocks: Blocks, part: Exchange, budget: int) -> Blocks:
    """Return the blocks without the worst of what stands in front of `part`, which takes less."""
    left = Blocks(blocks)
    for place in {message.id or "" for message in part} & blocks.keys():
        found, shown = list(blocks[place]), blocks.messages[place]
        while found and count_message(shown) > budget:
            found.pop()
            shown = memory_message(found, place)
        budget -= count_message(shown) if found else 0
        left[place] = found
    if left == blocks:
        return blocks
    return Blocks({place: found for place, found in left.items() if found})


def gathered(blocks: Blocks, newest: Exchange, budget: int) -> Blocks:
    """Return all memories in front of the newest question, its own first, within `budget` tokens.

    They were not recalled again because they stood further up: now they would be missed.
    """
    question = newest_user_message(newest)
    place = question.id or "" if question else ""
    earlier = [memory for other in list(blocks)[::-1] if other != place for memory in blocks[other]]
    kept = within([*blocks.get(place, ()), *earlier], budget)
    return Blocks({place: kept} if kept else {})


def recalled_in(
    prompt: Sequence[AnyMessage], blocks: Blocks, recalled: Sequence[RecalledTurn]
) -> list[RecalledTurn]:
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
