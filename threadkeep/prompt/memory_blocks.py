"""Memory blocks: recalled items by the user message that they are shown in front of."""

from collections.abc import Sequence
from functools import cached_property

from langchain_core.messages import AnyMessage, HumanMessage

from threadkeep.base.memory_block import PINNED, RecalledItem
from threadkeep.base.tokens import count_message
from threadkeep.graph.state import RecalledTurn
from threadkeep.prompt.exchanges import Exchange, newest_user_message
from threadkeep.prompt.memory_budget import best_within
from threadkeep.prompt.recalled_turns import places_of, with_places
from threadkeep.prompt.templates import insert_blocks, memory_message


class MemoryBlocks(dict[str, list[RecalledItem]]):
    """Recalled items by the id of the message behind them, the best first.

    No block is empty. Do not change one: `messages` is cached.
    """

    @cached_property
    def messages(self) -> dict[str, HumanMessage]:
        """The message of each block, by the id of the message behind it."""
        return {before: memory_message(items, before) for before, items in self.items()}


def group_by_message(items: Sequence[RecalledItem], messages: Sequence[AnyMessage]) -> MemoryBlocks:
    """Return the items by message; items without one are dropped."""
    user_ids = {message.id for message in messages if isinstance(message, HumanMessage)}
    blocks = MemoryBlocks()
    for item in items:
        if (before := item.get("before", "")) in user_ids:
            blocks.setdefault(before, []).append(item)
    return blocks


def exchange_tokens(exchange: Exchange, blocks: MemoryBlocks) -> int:
    """Return the tokens of an exchange with the memory blocks in it."""
    return sum(map(count_message, insert_blocks(exchange, blocks.messages)))


def trim_blocks(blocks: MemoryBlocks, exchange: Exchange, budget: int) -> MemoryBlocks:
    """Return the blocks; those of `exchange` without the worst items that exceed `budget`."""
    trimmed = MemoryBlocks(blocks)
    for before in {message.id or "" for message in exchange} & blocks.keys():
        items, message = list(blocks[before]), blocks.messages[before]
        while items and count_message(message) > budget:
            items.pop()
            message = memory_message(items, before)
        budget -= count_message(message) if items else 0
        trimmed[before] = items
    if trimmed == blocks:
        return blocks
    return MemoryBlocks({before: items for before, items in trimmed.items() if items})


def gather_at_newest(blocks: MemoryBlocks, newest: Exchange, budget: int) -> MemoryBlocks:
    """Return all items in front of the newest question, its own first, within `budget` tokens.

    Items shown further up were not recalled again, so they would be missing after a compaction.
    """
    question = newest_user_message(newest)
    newest_id = question.id or "" if question else ""
    earlier = [
        item for before in reversed(blocks) if before != newest_id for item in blocks[before]
    ]
    fitting = best_within([*blocks.get(newest_id, ()), *earlier], budget)
    return MemoryBlocks({newest_id: fitting} if fitting else {})


def recalled_in_prompt(
    prompt: Sequence[AnyMessage], blocks: MemoryBlocks, recalled: Sequence[RecalledTurn]
) -> list[RecalledTurn]:
    """Return what of `recalled` is in the prompt, with the messages that it is now in front of."""
    places = {place.place[-1]: place for turn in recalled for place in places_of(turn)}
    ids = {message.id for message in prompt}
    # Pins have a message of their own.
    turns = [turn for turn in recalled if turn["before"] == PINNED and PINNED in ids]
    for message in prompt:
        items = blocks.get(message.id or "", ())
        of_block = [places[item["id"]] for item in items if item["id"] in places]
        if of_block:
            turn: RecalledTurn = {"before": message.id or "", "places": [], "scores": []}
            turns.append(with_places(turn, of_block))
    return turns
