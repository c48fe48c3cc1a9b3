"""Which of the shown sentences answer a question, by the words they share with it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from threadkeep.extract.rules_subjects import named_relatives
from threadkeep.extract.rules_tokens import tokenize
from threadkeep.extract.rules_words import RELATIONS, SYNONYMS
from threadkeep.extract.sentences import words
from threadkeep.models.offline_evidence import Evidence
from threadkeep.models.offline_question import FIRST, Question
from threadkeep.models.offline_words import GENERIC, content, family, stem

THRESHOLD: Final = 0.6
CLOSE: Final = 0.25
GENERIC_WEIGHT: Final = 0.8
KIND_WEIGHT: Final = 0.3
"""Of "colour" in "what colour is my car?": the answer need not say the word."""
MOST_QUOTED: Final = 3
_SECOND: Final = frozenset(("you", "your", "you're", "you’re", "you've"))
_PLACE: Final = re.compile(r"\b(?:in|at|to|from|near|into|back in|is|on) (?:the )?[^\W\d_]")
_TIME: Final = re.compile(
    r"\d|\b(?:yesterday|today|tomorrow|last|next|ago|january|february|march|april|may|june|july|"
    r"august|september|october|november|december|monday|tuesday|wednesday|thursday|friday|"
    r"saturday|sunday|week|month|year|weekend|morning|evening|noon|birthday)\b",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|couple|no|both|"
    r"several|twenty|thirty|forty|fifty|hundred|thousand)\b",
    re.IGNORECASE,
)
_NAME: Final = re.compile(r"(?<=\s)[A-Z][^\W\d_]+|^[^\W\d_]+")
_TYPES: Final = (
    (re.compile(r"\bwhere\b", re.I), _PLACE),
    (re.compile(r"\b(?:when|what (?:day|date|year|month|time)|how long)\b", re.I), _TIME),
    (re.compile(r"\bhow (?:many|much|old|often)\b", re.I), _NUMBER),
    (re.compile(r"\b(?:who|whom|whose)\b", re.I), _NAME),
)
_KNOWN_RELATION: Final = re.compile(r"^[^']{1,80}'s (\w[\w-]*) is ([^(;]+)")


_ENTITY_LINE: Final = re.compile(r"[^:]{1,80} \(\w+\)(?::|$)")
_WITHOUT_DATE: Final = re.compile(r" \((?:since )?\d[^)]{0,12}\)$")

_SINGLE: Final = re.compile(r"\b(?:lives in|works at|works as|is named|birthday is|age is)\b")
"""Of these, one holds at a time: what else was said of it is outdated."""

Scored = tuple[float, Evidence]


def best_evidence(
    question: Question, shown: Sequence[Evidence], asker: str = "user"
) -> list[Evidence]:
    """Return at most three sentences that answer, the best first, the newer of equals first."""
    aliases = aliases_in(shown)
    scored: dict[str, Scored] = {}
    for evidence in shown:
        value = score(question, evidence, aliases, asker)
        if value >= THRESHOLD:
            scored[" ".join(words(evidence.text))] = (value, evidence)
    quotes = [each for each in scored.values() if each[1].origin != "known"]
    known = [each for each in scored.values() if each[1].origin == "known"]
    found = _checked(question, quotes, known) if quotes else known
    found.sort(key=lambda each: (-round(each[0], 1), -each[1].place))
    return [e for value, e in found if value >= found[0][0] - CLOSE][:MOST_QUOTED]


def _checked(question: Question, quotes: Sequence[Scored], known: Sequence[Scored]) -> list[Scored]:
    """Return the quotations, those first that agree with what is known to hold now.

    What is known and nobody is quoted with stands before them: a fact may have been told in
    another thread since.
    """
    asked = {each for s in question.stems for each in family(s)} | {"user"}
    best = max((value for value, _ in known), default=0.0)
    holding: dict[frozenset[str], Scored] = {}
    for value, evidence in known:
        told = frozenset(content(_WITHOUT_DATE.sub("", evidence.text))) - asked
        if value >= best - 0.1 and told and not _ENTITY_LINE.match(evidence.text):
            holding.setdefault(told, (value, evidence))
    agreeing = {
        told: [quote for quote in quotes if told <= set(content(quote[1].text))] for told in holding
    }
    top = max(value for value, _ in quotes)
    alone = [
        (top + (1.0 if _SINGLE.search(holding[told][1].text) else 0.1), holding[told][1])
        for told, agreed in agreeing.items()
        if not agreed
    ]
    lift = {
        quote[1].text: 0.4 if _SINGLE.search(holding[told][1].text) else 0.1
        for told, agreed in agreeing.items()
        for quote in agreed
    }
    return [(v + lift.get(e.text, 0.0), e) for v, e in quotes] + alone[:1]


def score(
    question: Question, evidence: Evidence, aliases: Mapping[str, frozenset[str]], asker: str
) -> float:
    """Return how well a sentence answers: the share of the question's weight that it covers.

    What the person said counts more than what the assistant said or a summary holds.
    """
    if not question.stems or not _is_about(question, evidence, asker):
        return 0.0
    told = _told(question, evidence)
    weights = {s: _weight(s, question) for s in question.stems}
    matched = {s for s in question.stems if told & (family(s) | aliases.get(s, frozenset()))}
    names = set(content(evidence.speaker)) if evidence.speaker != asker else set()
    specific = {s for s in matched if s not in GENERIC and s != question.kind}
    if not specific and not question.generic:
        return 0.0
    if (question.generic and question.own) or (specific and specific <= names - {"assistant"}):
        matched = (matched & names) | _said_of_oneself(evidence, matched)
    fits = _fits_type(question.text, evidence.text)
    covered = sum(weights[s] for s in matched) / sum(weights.values())
    if len(matched) < len(weights):
        covered += min(0.0, fits)
    if covered < THRESHOLD:
        return 0.0
    exact = 0.02 * len(told & set(question.stems))
    return covered + exact + max(0.0, fits) + _trust(evidence, asker)


def _told(question: Question, evidence: Evidence) -> set[str]:
    """Return the stems of a sentence; who speaks belongs to "I", a name to "called"."""
    told = set(content(evidence.text))
    spoken = set(words(evidence.text))
    if evidence.speaker not in ("user", "assistant", "") and FIRST & spoken:
        told |= set(content(evidence.speaker))
    if {"name", "call"} & set(question.stems) and _relations(evidence):
        told.add("name")
    return told | (spoken & {"from"})


def aliases_in(shown: Iterable[Evidence]) -> dict[str, frozenset[str]]:
    """Return who is meant by "sister", and the other way round, as far as it was said."""
    found: dict[str, frozenset[str]] = {}
    for evidence in shown:
        for relation, name in _relations(evidence):
            for one, other in ((relation, name), (name, relation)):
                found[one] = found.get(one, frozenset()) | {other}
    return found


def _relations(evidence: Evidence) -> list[tuple[str, str]]:
    """Return relation and first name, as stems."""
    if evidence.origin == "known":
        told = _KNOWN_RELATION.match(evidence.text)
        pairs = [(told[1], told[2])] if told else []
    else:
        found = tokenize(evidence.text) if " " in evidence.text else []
        low = [token.lower() for token in found]
        own = evidence.speaker != "assistant" and ("my" in low or "our" in low)
        named = named_relatives(found, low) if own else ()
        pairs = [(relation, name) for name, relation, _ in named]
    return [(stem(relation), stem(name.split()[0])) for relation, name in pairs if name.strip()]


def _weight(stemmed: str, question: Question) -> float:
    if stemmed == question.kind:
        return KIND_WEIGHT
    return GENERIC_WEIGHT if stemmed in GENERIC and not question.generic else 1.0


def _is_about(question: Question, evidence: Evidence, asker: str) -> bool:
    """Tell whether "my" in the sentence can be the "my" of the question."""
    others = evidence.speaker not in (asker, "user", "assistant", "tool", "system", "")
    if not others or not question.own:
        return True
    return bool(set(content(evidence.speaker)) & set(question.stems))


def _said_of_oneself(evidence: Evidence, matched: set[str]) -> set[str]:
    """Return the matched stems that stand behind "I" or "my", with no other subject between."""
    told: set[str] = set()
    near = 0
    spoken = words(evidence.text)
    first = _SECOND if evidence.speaker == "assistant" else FIRST
    for place, word in enumerate(spoken):
        bare = word.removesuffix("'s")
        if word in first or (evidence.origin in ("known", "summary") and bare == "user"):
            near = 6
            continue
        if SYNONYMS.get(bare, bare) in RELATIONS:
            near = 0
        if near or spoken[place + 1 : place + 2] == ["me"]:
            told |= {s for s in matched if (stem(word) if word != "from" else word) in family(s)}
        near -= near > 0
    return told


def _fits_type(question: str, sentence: str) -> float:
    """Return a bonus where the sentence holds what is asked for, a malus where it does not."""
    wanted = [kind for asked, kind in _TYPES if asked.search(question)]
    if not wanted:
        return 0.0
    return 0.1 if any(kind.search(sentence) for kind in wanted) else -0.25


def _trust(evidence: Evidence, asker: str) -> float:
    if evidence.speaker in ("assistant", "tool") or evidence.origin == "system":
        return -0.3
    return 0.0 if evidence.origin in ("known", "summary") else 0.05
