"""Pins: what was said word for word in folded messages, kept beside the prose of the summary."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from langchain_core.messages import AnyMessage, HumanMessage

from threadkeep.base.message_text import text_with_tool_calls
from threadkeep.base.tokens import count_text
from threadkeep.extract.literals import Passage, passages
from threadkeep.graph.state import Pin

LINE = 3
"""Tokens that a pin's line costs beside its words."""
LITERALS = 8
"""Of one pin, so that the state stays small."""
TELLING = 4
"""Characters from which a literal is taken for more than a small number or a short word."""
_EXACT = re.compile(r"[\d/\\@\"“«`]")


def pinned(pins: Sequence[Pin], folded: Sequence[AnyMessage], budget: int) -> list[Pin]:
    """Return `pins` and what `folded` adds, within `budget` tokens; the least used go first.

    A pin is used by every folded message that mentions one of its literals. Among equals those
    stay that nobody could guess (numbers, paths, quotes), then the telling, then the newest.
    The order is that of the conversation.
    """
    told = [(m, passages(text_with_tool_calls(m))) for m in folded if not _repeats(m)]
    kept = list(pins)
    known = {literal for pin in kept for literal in (pin["text"], *pin["literals"])}
    for message, found in told:
        for passage in found:
            new = [literal for literal in passage.literals if literal not in known]
            if not new:
                continue
            # Those alone that no other pin has: a name that is in every message is one pin's.
            known.update(new)
            kept.append(
                {
                    "text": passage.text,
                    "literals": new[:LITERALS],
                    "message": message.id or "",
                    "used": int(isinstance(message, HumanMessage)),
                }
            )
    return _within(_used(kept, told), budget)


def _used(pins: Sequence[Pin], told: Sequence[tuple[AnyMessage, list[Passage]]]) -> list[Pin]:
    """Return the pins with the new mentions counted, each message once."""
    mentioning: dict[str, set[str]] = defaultdict(set)
    for message, found in told:
        for word in {w for passage in found for w in _mentioned(passage.literals)}:
            mentioning[word].add(message.id or "")
    counted: list[Pin] = []
    for pin in pins:
        by = set[str]().union(*(mentioning.get(w, ()) for w in _mentioned(pin["literals"])))
        counted.append({**pin, "used": pin["used"] + len(by - {pin["message"]})})
    return counted


def _mentioned(literals: Iterable[str]) -> set[str]:
    """Return by what these literals are known again: themselves, and the words of a name."""
    telling = [literal for literal in literals if len(literal) >= TELLING]
    words = {word for each in telling if each.count(" ") in (1, 2) for word in each.split()}
    return {*telling, *(word for word in words if len(word) >= TELLING)}


def _within(pins: Sequence[Pin], budget: int) -> list[Pin]:
    def worth(place: int) -> tuple[int, int, int]:
        telling = [each for each in pins[place]["literals"] if len(each) >= TELLING]
        exact = any(_EXACT.search(literal) for literal in telling)
        return pins[place]["used"], bool(telling) + exact, place

    kept: list[int] = []
    for place in sorted(range(len(pins)), key=worth, reverse=True):
        if budget <= LINE:
            break
        cost = count_text(pins[place]["text"]) + LINE
        if cost <= budget:
            kept.append(place)
            budget -= cost
    return [pins[place] for place in sorted(kept)]


def _repeats(message: AnyMessage) -> bool:
    """Tell whether it is the offline model's, whose words only repeat what others said."""
    return message.response_metadata.get("model_name") == "offline"
