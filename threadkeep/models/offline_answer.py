"""The offline reply: a quotation, the facts of a statement, or a notice. It only quotes."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Final

from langchain_core.messages import BaseMessage

from threadkeep.base.clock import local_day, now
from threadkeep.extract.rules import extract
from threadkeep.extract.sentences import is_question, sentences, words
from threadkeep.models.offline_facts import fact_to_user, sentence_to_user
from threadkeep.models.offline_prompt import newest_question, quote_in_prompt, text_of
from threadkeep.models.quote import Quote

UNKNOWN: Final = "I don't know that."
UNSURE: Final = "I don't know for sure. The nearest I have is what"
SAVED: Final = "I have kept that."
NOTICE: Final = (
    "No language model is configured: I can only quote what you told me before. "
    "Set OPENAI_API_KEY, or OPENAI_BASE_URL for a local server."
)
MAX_QUOTE: Final = 400
MAX_FACTS: Final = 6
_GREETINGS: Final = frozenset(
    "hi hello hey yo thanks thank good morning afternoon evening night bye goodbye cheers "
    "greetings welcome ok okay you there all so much very a lot please".split()
)
_GENERATE: Final = re.compile(
    r"(?:(?:please|can you|could you|would you|will you|kindly|hey|hi|now|i (?:want|need) you to)"
    r"[\s,]+){0,3}(?:write|draft|compose|translate|summari[sz]e|explain|create|generate|help me|"
    r"suggest|brainstorm|rewrite|rephrase|proofread|calculate|make me|give me (?:a|an|some)|"
    r"tell me (?:a|an) (?:joke|story)|continue|list (?:some|ten|five|three))\b",
    re.IGNORECASE,
)
_ABOUT_MODEL: Final = re.compile(
    r"\b(?:who|what) are you\b|\bare you (?:a|an|there|real|human|gpt|chatgpt)\b|\byour name\b|"
    r"\bhow are you\b|\bwhat can you do\b|\bwhich model\b|\bwhat model\b",
    re.IGNORECASE,
)


def asks_memory(text: str) -> bool:
    """Return whether a message asks for something that may have been said before."""
    questions = [sentence for sentence in sentences(text) if is_question(sentence)]
    return bool(questions) and not (_GENERATE.match(text) or _ABOUT_MODEL.search(questions[-1]))


def reply_to(messages: Sequence[BaseMessage], quotes: Sequence[Quote] | None = None) -> str:
    """Return the reply to the newest message.

    `quotes` are what was found in the store; None looks into `messages` for something to quote.
    """
    newest = newest_question(messages)
    if newest is None:
        return NOTICE
    text = text_of(messages[newest]).strip()
    if asks_memory(text):
        candidates = quote_in_prompt(messages, newest) if quotes is None else quotes
        if candidates:
            return _quotation(candidates[0], messages[newest].name or "user")
        is_first_reply = not any(message.type == "ai" for message in messages)
        return f"{UNKNOWN} {NOTICE}" if is_first_reply else UNKNOWN
    is_request = _GENERATE.match(text) or any(map(is_question, sentences(text)))
    return NOTICE if is_request else _acknowledge(text)


def _quotation(quote: Quote, user: str) -> str:
    """Return who said it, when and where, and then the words themselves."""
    if quote.is_fact:
        return f"What I know: {sentence_to_user(quote.text).rstrip('.')}."
    text = quote.text
    text = text if len(text) <= MAX_QUOTE else f"{text[:MAX_QUOTE].rstrip()} ..."
    names = {user: "you", "user": "you", "assistant": "I", "tool": "a tool"}
    speaker = names.get(quote.speaker, quote.speaker) or "the summary of this thread"
    start = f"{speaker[0].upper()}{speaker[1:]}" if quote.is_sure else f"{UNSURE} {speaker}"
    place = f', in "{quote.thread}"' if quote.thread else ", in this thread"
    day = _day_in_words(quote.time)
    occasion = f" on {day}{place}" if day else " earlier in this thread"
    return f'{start} said{occasion}: "{text}"'


def _day_in_words(iso_time: str) -> str:
    try:
        day = date.fromisoformat(local_day(iso_time))
    except ValueError:
        return ""
    return f"{day.day} {day:%B %Y}"


def _acknowledge(text: str) -> str:
    """Return the facts of a statement; a greeting gets the notice."""
    facts = extract(text, speaker="user", written_at=now()).facts
    if facts:
        lines = list(dict.fromkeys(map(fact_to_user, facts)))
        more = f"; and {len(lines) - MAX_FACTS} more" if len(lines) > MAX_FACTS else ""
        return f"Noted: {'; '.join(lines[:MAX_FACTS])}{more}."
    all_words = words(text)
    if not all_words or (len(all_words) <= 6 and set(all_words) <= _GREETINGS):
        return NOTICE
    if len(all_words) <= 4 and all_words[0] in ("hi", "hello", "hey", "thanks", "thank"):
        return NOTICE
    return SAVED
