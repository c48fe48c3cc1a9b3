"""The offline reply: a quotation that answers, the facts of a statement, or a notice."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Final

from langchain_core.messages import BaseMessage

from threadkeep.base.clock import now
from threadkeep.extract.rules import extract
from threadkeep.extract.sentences import is_question, sentences, words
from threadkeep.models.offline_evidence import Evidence, evidence_of, newest_question, text_of
from threadkeep.models.offline_facts import fact_to_user, sentence_to_user
from threadkeep.models.offline_question import read_question
from threadkeep.models.offline_search import MAX_QUOTED, best_evidence

UNKNOWN: Final = "I don't know that."
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
_ABOUT_USER: Final = re.compile(r"\b(?:know|remember|told you|said) about me\b", re.IGNORECASE)
_PRONOUN: Final = re.compile(r"\b(?:he|she|they|him|her|them|his|their|it)\b", re.IGNORECASE)


def reply_to(messages: Sequence[BaseMessage]) -> str:
    """Return the reply to the newest message; it says nothing that `messages` do not."""
    newest = newest_question(messages)
    if newest is None:
        return NOTICE
    text = text_of(messages[newest]).strip()
    questions = [sentence for sentence in sentences(text) if is_question(sentence)]
    if _GENERATE.match(text) or (questions and _ABOUT_MODEL.search(questions[-1])):
        return NOTICE
    if questions:
        return _answer(messages, newest, questions, text)
    return _acknowledge(text)


def _answer(
    messages: Sequence[BaseMessage], newest: int, questions: Sequence[str], text: str
) -> str:
    user = messages[newest].name or "user"
    answers = _answers(questions, text, evidence_of(messages, newest), user)
    if answers:
        previous = ["", *(evidence.speaker for evidence in answers)]
        return " ".join(
            _quotation(evidence, user, again=evidence.speaker == speaker)
            for evidence, speaker in zip(answers, previous, strict=False)
        )
    is_first_reply = not any(message.type == "ai" for message in messages)
    return f"{UNKNOWN} {NOTICE}" if is_first_reply else UNKNOWN


def _answers(
    questions: Sequence[str], text: str, evidence: Sequence[Evidence], user: str
) -> list[Evidence]:
    question = questions[-1]
    if _ABOUT_USER.search(question):
        own = [e for e in evidence if e.speaker == user and {"i", "my"} & set(words(e.text))]
        return own[: -MAX_QUOTED - 1 : -1]
    answers = best_evidence(read_question(question), evidence, user)
    if not answers and (len(questions) > 1 or _PRONOUN.search(question)):
        return best_evidence(read_question(text), evidence, user)
    return answers


def _quotation(evidence: Evidence, user: str, *, again: bool) -> str:
    """Return who said it, when and where, and then the words themselves."""
    if evidence.origin == "known":
        return f"What I know: {_with_full_stop(sentence_to_user(evidence.text))}"
    quote = _shortened(evidence.text)
    if evidence.speaker in ("", "system"):
        source = "system message" if evidence.origin == "system" else "summary of this thread"
        return f'The {source} says: "{quote}"'
    if evidence.origin == "newest":
        return f'You just said: "{quote}"'
    names = {user: "You", "user": "You", "assistant": "I", "tool": "A tool"}
    speaker = names.get(evidence.speaker, evidence.speaker)
    day = _day_in_words(evidence.day)
    occasion = f'on {day}, in "{evidence.thread}"' if day else "earlier in this thread"
    return f'{speaker} {"also " * again}said {occasion}: "{quote}"'


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_QUOTE else f"{text[:MAX_QUOTE].rstrip()} ..."


def _with_full_stop(text: str) -> str:
    return text if text.endswith((".", "!")) else f"{text}."


def _day_in_words(iso_time: str) -> str:
    try:
        day = date.fromisoformat(iso_time[:10])
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
