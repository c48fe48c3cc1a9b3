"""Pins: what was said word for word in folded messages, kept beside the prose of the summary."""

from collections.abc import Iterable, Sequence

from langchain_core.messages import AnyMessage, HumanMessage

from chat_models.literals import passages
from chat_models.message_words import words_of
from chat_models.tokens import count_text
from graph.state import Pin

LINE = 3
"""Tokens that a pin's line costs beside its words."""
LITERALS = 8
"""Of one pin, so that the state stays small."""


def pinned(pins: Sequence[Pin], folded: Sequence[AnyMessage], budget: int) -> list[Pin]:
    """Return `pins` and what `folded` adds, within `budget` tokens; the least used go first.

    A pin is used by every folded message that mentions one of its literals. Among equals the
    person's own words stay, then the newest. The order is that of the conversation.
    """
    texts = [(message, words_of(message)) for message in folded if not _repeats(message)]
    mentions = [text for _, text in texts]
    known = {pin["text"] for pin in pins}
    kept = [_used(pin, mentions) for pin in pins]
    for message, text in texts:
        own = isinstance(message, HumanMessage)
        for passage in passages(text):
            if passage.text not in known:
                known.add(passage.text)
                literals = list(passage.literals[:LITERALS])
                kept.append(
                    {
                        "text": passage.text,
                        "literals": literals,
                        "message": message.id or "",
                        "used": int(own),
                    }
                )
    return _within(kept, budget)


def _used(pin: Pin, mentions: Iterable[str]) -> Pin:
    again = sum(any(literal in text for literal in pin["literals"]) for text in mentions)
    return {**pin, "used": pin["used"] + again} if again else pin


def _within(pins: Sequence[Pin], budget: int) -> list[Pin]:
    ranked = sorted(range(len(pins)), key=lambda place: (-pins[place]["used"], -place))
    kept: list[int] = []
    for place in ranked:
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
