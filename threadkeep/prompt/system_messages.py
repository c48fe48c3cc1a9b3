"""The caller's own system messages: shown after the context's system prompt, in every prompt."""

from collections.abc import Sequence

from langchain_core.messages import AnyMessage, SystemMessage

from threadkeep.base.message_text import text_of
from threadkeep.base.tokens import count_message, count_text, cut_middle
from threadkeep.prompt.templates import system_message

MAX_MESSAGES = 32
"""The newest system messages that stay in a state."""
MIN_TOKENS = 16


def system_prompt_of(own: str, messages: Sequence[AnyMessage], allowed: int) -> str:
    """Return the system prompt with the system messages of a thread behind it, each once.

    Together they take at most half of the `allowed` tokens; what is longer is cut in the middle.
    """
    texts = [text_of(m).strip() for m in messages if isinstance(m, SystemMessage)]
    new = [text for text in dict.fromkeys(texts) if text and text not in own]
    if not new:
        return own
    added = "\n\n".join(new)
    room = allowed // 2 - count_message(system_message(own)) - MIN_TOKENS
    if count_text(added) > room:
        if room < MIN_TOKENS:
            return own
        added = cut_middle(added, room)
    return f"{own}\n\n{added}".strip()


def without_system(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """Return the messages that a summary can stand for."""
    return [message for message in messages if not isinstance(message, SystemMessage)]


def prunable(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """Return the messages that may leave a state: all but the newest system messages."""
    system = [message for message in messages if isinstance(message, SystemMessage)]
    newest_ids = {message.id for message in system[-MAX_MESSAGES:]}
    return [message for message in messages if message.id not in newest_ids]
