"""Choose the evidence that answers a question, by the words that they share."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from threadkeep.extract.rules_subjects import named_relatives
from threadkeep.extract.rules_tokens import tokenize
from threadkeep.extract.rules_words import RELATIONS, SYNONYMS
from threadkeep.extract.sentences import words
from threadkeep.models.offline_evidence import Evidence
from threadkeep.models.offline_question import FIRST_PERSON, Question
from threadkeep.models.offline_words import GENERIC, content_stems, family, stem

THRESHOLD: Final = 0.6
MAX_DISTANCE: Final = 0.25
"""Between the best score and the last that is quoted."""
GENERIC_WEIGHT: Final = 0.8
KIND_WEIGHT: Final = 0.3
"""Of "colour" in "what colour is my car?", which an answer need not contain."""
MAX_QUOTED: Final = 3
_SECOND_PERSON: Final = frozenset(("you", "your", "you're", "you’re", "you've"))
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
_ANSWER_TYPES: Final = (
    (re.compile(r"\bwhere\b", re.I), _PLACE),
    (re.compile(r"\b(?:when|what (?:day|date|year|month|time)|how long)\b", re.I), _TIME),
    (re.compile(r"\bhow (?:many|much|old|often)\b", re.I), _NUMBER),
    (re.compile(r"\b(?:who|whom|whose)\b", re.I), _NAME),
)
_RELATION_FACT: Final = re.compile(r"^[^']{1,80}'s (\w[\w-]*) is ([^(;]+)")
_ENTITY_LINE: Final = re.compile(r"[^:]{1,80} \(\w+\)(?::|$)")
_TRAILING_DATE: Final = re.compile(r" \((?:since )?\d[^)]{0,12}\)$")
_SINGLE_VALUE: Final = re.compile(r"\b(?:lives in|works at|works as|is named|birthday is|age is)\b")
"""Predicates with one value at a time: other values are outdated."""

Scored = tuple[float, Evidence]
Aliases = Mapping[str, frozenset[str]]


def best_evidence(
    question: Question, evidence: Sequence[Evidence], user: str = "user"
) -> list[Evidence]:
    """Return at most `MAX_QUOTED` sentences that answer, best first, newer first among equals."""
    aliases = aliases_in(evidence)
    scored: dict[str, Scored] = {}
    for sentence in evidence:
        value = score(question, sentence, aliases, user)
        if value >= THRESHOLD:
            scored[" ".join(words(sentence.text))] = (value, sentence)
    quotes = [pair for pair in scored.values() if pair[1].origin != "known"]
    facts = [pair for pair in scored.values() if pair[1].origin == "known"]
    ranked = _prefer_current(question, quotes, facts) if quotes else facts
    ranked.sort(key=lambda pair: (-round(pair[0], 1), -pair[1].position))
    return [sentence for value, sentence in ranked if value >= ranked[0][0] - MAX_DISTANCE][
        :MAX_QUOTED
    ]


def _prefer_current(
    question: Question, quotes: Sequence[Scored], facts: Sequence[Scored]
) -> list[Scored]:
    """Return the quotes, with a bonus for those that agree with a known fact.

    A fact that no quote agrees with goes before them: it may come from another thread, and be
    newer.
    """
    question_stems = {member for stem in question.stems for member in family(stem)} | {"user"}
    best = max((value for value, _ in facts), default=0.0)
    current: dict[frozenset[str], Evidence] = {}
    for value, fact in facts:
        stems = frozenset(content_stems(_TRAILING_DATE.sub("", fact.text))) - question_stems
        if value >= best - 0.1 and stems and not _ENTITY_LINE.match(fact.text):
            current.setdefault(stems, fact)
    top = max(value for value, _ in quotes)
    bonuses: dict[str, float] = {}
    unquoted: list[Scored] = []
    for stems, fact in current.items():
        single_value = bool(_SINGLE_VALUE.search(fact.text))
        agreeing = [quote for _, quote in quotes if stems <= set(content_stems(quote.text))]
        if not agreeing:
            unquoted.append((top + (1.0 if single_value else 0.1), fact))
        for quote in agreeing:
            bonuses[quote.text] = 0.4 if single_value else 0.1
    return [(value + bonuses.get(quote.text, 0.0), quote) for value, quote in quotes] + unquoted[:1]


def score(question: Question, evidence: Evidence, aliases: Aliases, user: str) -> float:
    """Return how well a sentence answers: the share of the question's weight that it covers.

    Words of the user count more than those of the assistant or of a summary.
    """
    if not question.stems or not _fits_speaker(question, evidence, user):
        return 0.0
    stems = _stems_of(question, evidence)
    weights = {stem: _weight(stem, question) for stem in question.stems}
    matches = {stem for stem in weights if stems & (family(stem) | aliases.get(stem, frozenset()))}
    names = set(content_stems(evidence.speaker)) if evidence.speaker != user else set()
    specific = {stem for stem in matches if stem not in GENERIC and stem != question.kind}
    if not specific and not question.generic:
        return 0.0
    if (question.generic and question.about_user) or (
        specific and specific <= names - {"assistant"}
    ):
        matches = (matches & names) | _about_speaker(evidence, matches)
    type_bonus = _type_bonus(question.text, evidence.text)
    covered = sum(weights[stem] for stem in question.stems if stem in matches)
    covered /= sum(weights.values())
    if len(matches) < len(weights):
        covered += min(0.0, type_bonus)
    if covered < THRESHOLD:
        return 0.0
    same_words = 0.02 * len(stems & set(question.stems))
    return covered + same_words + max(0.0, type_bonus) + _trust(evidence)


def _stems_of(question: Question, evidence: Evidence) -> set[str]:
    """Return the stems of a sentence, with the speaker's name for "I", and "name" for names."""
    stems = set(content_stems(evidence.text))
    all_words = set(words(evidence.text))
    if evidence.speaker not in ("user", "assistant", "") and FIRST_PERSON & all_words:
        stems |= set(content_stems(evidence.speaker))
    if {"name", "call"} & set(question.stems) and _relations(evidence):
        stems.add("name")
    return stems | (all_words & {"from"})


def aliases_in(evidence: Iterable[Evidence]) -> dict[str, frozenset[str]]:
    """Return the names of relations such as "sister", and the relations of names, as stems."""
    aliases: dict[str, frozenset[str]] = {}
    for sentence in evidence:
        for relation, name in _relations(sentence):
            for key, alias in ((relation, name), (name, relation)):
                aliases[key] = aliases.get(key, frozenset()) | {alias}
    return aliases


def _relations(evidence: Evidence) -> list[tuple[str, str]]:
    """Return relation and first name, as stems."""
    if evidence.origin == "known":
        match = _RELATION_FACT.match(evidence.text)
        pairs = [(match[1], match[2])] if match else []
    else:
        tokens = tokenize(evidence.text) if " " in evidence.text else []
        lower = [token.lower() for token in tokens]
        has_own = evidence.speaker != "assistant" and ("my" in lower or "our" in lower)
        relatives = named_relatives(tokens, lower) if has_own else ()
        pairs = [(relative.relation, relative.name) for relative in relatives]
    return [(stem(relation), stem(name.split()[0])) for relation, name in pairs if name.strip()]


def _weight(word_stem: str, question: Question) -> float:
    if word_stem == question.kind:
        return KIND_WEIGHT
    return GENERIC_WEIGHT if word_stem in GENERIC and not question.generic else 1.0


def _fits_speaker(question: Question, evidence: Evidence, user: str) -> bool:
    """Return whether "my" in the sentence can mean the same person as in the question."""
    is_other = evidence.speaker not in (user, "user", "assistant", "tool", "system", "")
    if not is_other or not question.about_user:
        return True
    return bool(set(content_stems(evidence.speaker)) & set(question.stems))


def _about_speaker(evidence: Evidence, matches: Collection[str]) -> set[str]:
    """Return the matches that follow "I" or "my" closely, without another subject between."""
    own_matches: set[str] = set()
    remaining = 0
    all_words = words(evidence.text)
    pronouns = _SECOND_PERSON if evidence.speaker == "assistant" else FIRST_PERSON
    for index, word in enumerate(all_words):
        bare = word.removesuffix("'s")
        if word in pronouns or (evidence.origin in ("known", "summary") and bare == "user"):
            remaining = 6
            continue
        if SYNONYMS.get(bare, bare) in RELATIONS:
            remaining = 0
        if remaining or all_words[index + 1 : index + 2] == ["me"]:
            word_stem = word if word == "from" else stem(word)
            own_matches |= {match for match in matches if word_stem in family(match)}
        remaining -= remaining > 0
    return own_matches


def _type_bonus(question: str, sentence: str) -> float:
    """Return a bonus if the sentence has the type of answer that the question needs, or a malus."""
    patterns = [answer for asks, answer in _ANSWER_TYPES if asks.search(question)]
    if not patterns:
        return 0.0
    return 0.1 if any(pattern.search(sentence) for pattern in patterns) else -0.25


def _trust(evidence: Evidence) -> float:
    if evidence.speaker in ("assistant", "tool") or evidence.origin == "system":
        return -0.3
    return 0.0 if evidence.origin in ("known", "summary") else 0.05
