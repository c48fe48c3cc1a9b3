"""Literal passages: names, numbers, dates, paths and quotes of summarised messages.

They are kept word for word beside the summary, which may blur them.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from langchain_core.messages import AnyMessage, HumanMessage

from threadkeep.base.message_text import text_with_tool_calls
from threadkeep.base.tokens import count_text
from threadkeep.extract.literals import Passage, passages
from threadkeep.graph.state import LiteralPassage
from threadkeep.prompt.exchanges import is_offline_reply

LINE_OVERHEAD = 3
"""Tokens of a passage's line beside its words."""
MAX_LITERALS = 8
"""Of one passage, to bound the state."""
MIN_DISTINCTIVE = 4
"""Characters; shorter literals are small numbers and short words that occur everywhere."""
_EXACT = re.compile(r"[\d/\\@\"“«`]")

_Extracted = Sequence[tuple[AnyMessage, list[Passage]]]


def add_passages(
    passages_before: Sequence[LiteralPassage], messages: Sequence[AnyMessage], budget: int
) -> list[LiteralPassage]:
    """Return `passages_before` with the passages of `messages`, within `budget` tokens.

    Over the budget, the passages that later messages mention least are dropped. Among equals,
    exact ones (numbers, paths, quotes) stay, then distinctive ones, then the newest. The order is
    that of the conversation.
    """
    extracted = [
        (message, passages(text_with_tool_calls(message)))
        for message in messages
        if not is_offline_reply(message)
    ]
    every = [*passages_before, *_new_passages(passages_before, extracted)]
    return _within_budget(_count_mentions(every, extracted), budget)


def _new_passages(
    passages_before: Sequence[LiteralPassage], extracted: _Extracted
) -> list[LiteralPassage]:
    """Return the passages that hold a literal which no earlier passage holds."""
    known_literals = {
        literal
        for passage in passages_before
        for literal in (passage["text"], *passage["literals"])
    }
    new: list[LiteralPassage] = []
    for message, of_message in extracted:
        for passage in of_message:
            literals = [literal for literal in passage.literals if literal not in known_literals]
            if literals:
                known_literals.update(literals)
                new.append(
                    {
                        "text": passage.text,
                        "literals": literals[:MAX_LITERALS],
                        "message": message.id or "",
                        "used": int(isinstance(message, HumanMessage)),
                    }
                )
    return new


def _count_mentions(every: Sequence[LiteralPassage], extracted: _Extracted) -> list[LiteralPassage]:
    """Return the passages with the messages added that mention them, each message once."""
    mentions: dict[str, set[str]] = defaultdict(set)
    for message, of_message in extracted:
        for word in {word for passage in of_message for word in _keywords(passage.literals)}:
            mentions[word].add(message.id or "")
    counted: list[LiteralPassage] = []
    for passage in every:
        words = _keywords(passage["literals"])
        messages = set[str]().union(*(mentions.get(word, ()) for word in words))
        used = passage["used"] + len(messages - {passage["message"]})
        counted.append({**passage, "used": used})
    return counted


def _keywords(literals: Iterable[str]) -> set[str]:
    """Return what identifies these literals in a text: themselves, and the words of a name."""
    distinctive = _distinctive(literals)
    words = {word for text in distinctive if text.count(" ") in (1, 2) for word in text.split()}
    return {*distinctive, *_distinctive(words)}


def _distinctive(literals: Iterable[str]) -> list[str]:
    return [literal for literal in literals if len(literal) >= MIN_DISTINCTIVE]


def _within_budget(every: Sequence[LiteralPassage], budget: int) -> list[LiteralPassage]:
    def rank(index: int) -> tuple[int, int, int]:
        distinctive = _distinctive(every[index]["literals"])
        exact = any(_EXACT.search(literal) for literal in distinctive)
        return every[index]["used"], bool(distinctive) + exact, index

    fitting: list[int] = []
    for index in sorted(range(len(every)), key=rank, reverse=True):
        if budget <= LINE_OVERHEAD:
            break
        size = count_text(every[index]["text"]) + LINE_OVERHEAD
        if size <= budget:
            fitting.append(index)
            budget -= size
    return [every[index] for index in sorted(fitting)]
