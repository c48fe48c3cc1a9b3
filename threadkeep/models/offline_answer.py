"""The offline reply: a quotation that answers, what was noted of a statement, or a plain no."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Final

from langchain_core.messages import BaseMessage

from threadkeep.base.clock import now
from threadkeep.extract.rules import extract
from threadkeep.extract.sentences import is_question, sentences, words
from threadkeep.models.offline_evidence import Evidence, evidence_of, newest_question, text_of
from threadkeep.models.offline_facts import known_to_you, told_to_you
from threadkeep.models.offline_question import read_question
from threadkeep.models.offline_search import best_evidence

UNKNOWN: Final = "I don't know that."
KEPT: Final = "I have kept that."
NOTICE: Final = (
    "No language model is configured: I can only quote what you told me before. "
    "Set OPENAI_API_KEY, or OPENAI_BASE_URL for a local server."
)
LONGEST_QUOTE: Final = 400
MOST_NOTED: Final = 6
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
_ABOUT_ME: Final = re.compile(r"\b(?:know|remember|told you|said) about me\b", re.IGNORECASE)
_PRONOUN: Final = re.compile(r"\b(?:he|she|they|him|her|them|his|their|it)\b", re.IGNORECASE)


def reply_to(messages: Sequence[BaseMessage]) -> str:
    """Return the reply to the newest message, from nothing but what `messages` show."""
    newest = newest_question(messages)
    if newest is None:
        return NOTICE
    text = text_of(messages[newest]).strip()
    asked = [line for line in sentences(text) if is_question(line)]
    if _GENERATE.match(text) or (asked and _ABOUT_MODEL.search(asked[-1])):
        return NOTICE
    if asked:
        return _answer(messages, newest, asked, text)
    return _note(text, messages[newest].name or "user")


def _answer(messages: Sequence[BaseMessage], newest: int, asked: list[str], text: str) -> str:
    shown = evidence_of(messages, newest)
    asker = messages[newest].name or "user"
    if _ABOUT_ME.search(asked[-1]):
        found = [e for e in shown if e.speaker == asker and {"i", "my"} & set(words(e.text))][
            :-4:-1
        ]
    else:
        found = best_evidence(read_question(asked[-1]), shown, asker)
        if not found and (len(asked) > 1 or _PRONOUN.search(asked[-1])):
            found = best_evidence(read_question(text), shown, asker)
    if found:
        before = ["", *(evidence.speaker for evidence in found)]
        return " ".join(
            _quoted(evidence, asker, also=evidence.speaker == speaker)
            for evidence, speaker in zip(found, before, strict=False)
        )
    first = not any(message.type == "ai" for message in messages)
    return f"{UNKNOWN} {NOTICE}" if first else UNKNOWN


def _quoted(evidence: Evidence, asker: str, *, also: bool) -> str:
    """Say who said it, when and where, and then the words themselves."""
    if evidence.origin == "known":
        return f"What I know: {_ended(known_to_you(evidence.text))}"
    if evidence.speaker in ("", "system"):
        what = "system message" if evidence.origin == "system" else "summary of this thread"
        return f'The {what} says: "{_cut(evidence.text)}"'
    who = {asker: "You", "user": "You", "assistant": "I", "tool": "A tool"}
    said = f"{who.get(evidence.speaker, evidence.speaker)} {'also ' * also}said"
    if evidence.origin == "newest":
        said = "You just said"
    elif day := _named(evidence.day):
        said += f' on {day}, in "{evidence.thread}"'
    else:
        said += " earlier in this thread"
    return f'{said}: "{_cut(evidence.text)}"'


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE].rstrip()} ..."


def _ended(text: str) -> str:
    return text if text.endswith((".", "!")) else f"{text}."


def _named(day: str) -> str:
    try:
        moment = date.fromisoformat(day[:10])
    except ValueError:
        return ""
    return f"{moment.day} {moment:%B %Y}"


def _note(text: str, speaker: str) -> str:
    facts = extract(text, speaker="user", written_at=now()).facts
    if facts:
        said = list(dict.fromkeys(map(told_to_you, facts)))
        more = f"; and {len(said) - MOST_NOTED} more" if len(said) > MOST_NOTED else ""
        return f"Noted: {'; '.join(said[:MOST_NOTED])}{more}."
    spoken = words(text)
    if not spoken or (len(spoken) <= 6 and set(spoken) <= _GREETINGS):
        return NOTICE
    if len(spoken) <= 4 and spoken[0] in ("hi", "hello", "hey", "thanks", "thank"):
        return NOTICE
    return KEPT
