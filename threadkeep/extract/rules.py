"""Extract entities and facts of an English message by rules: prefer none to a wrong one."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from threadkeep.extract.extraction import Entity, Extraction, Fact, Status
from threadkeep.extract.rules_aliases import aliases_in
from threadkeep.extract.rules_dates import end_of, find_date, find_range, years_stayed
from threadkeep.extract.rules_languages import facts_in_languages
from threadkeep.extract.rules_phrases import Phrase, is_name, read_object
from threadkeep.extract.rules_subjects import Subject, named_relatives, read_subject
from threadkeep.extract.rules_tokens import BREAKS, clause_starts, tokenize
from threadkeep.extract.rules_verbs import VERBS, Verb
from threadkeep.extract.rules_words import (
    CONJUNCTIONS,
    DAYS,
    DOUBT,
    JOBS,
    MONTHS,
    MONTHS_SHORT,
    NUMBERS,
    OPENERS,
    SKIPPED,
)
from threadkeep.extract.sentences import is_question, sentences

MAX_FACTS: Final = 100
MAX_NEGATED: Final = 16
"""Words among which "any more" follows "do not"."""
PLANS: Final = {"is moving to": "moved to", "is starting at": "started at"}
PAST: Final = {"lived in": "lives in", "worked at": "works at", "studied at": "studies at"}
"""Past tenses, and the predicates of which they tell a time that is over."""
_DATE_OPENERS: Final = frozenset("from between in until since during".split())
_DATE_WORDS: Final = frozenset(
    """to and until till , of the in on at since last this next ago early late mid around during
    yesterday today tonight tomorrow now recently week weeks weekend month months year years day
    days night morning evening spring summer autumn winter back""".split()
) | {*MONTHS, *MONTHS_SHORT, *DAYS, *NUMBERS}
_ANY_MORE: Final = re.compile(r"\b(?:any ?more|any longer)\b")
_ENTITY_KINDS: Final = frozenset(("place", "organisation", "person"))
_TAIL_ENDS: Final = (BREAKS | CONJUNCTIONS) - {"since"}
_PERSONAL_KINDS: Final = frozenset(("place", "organisation", "job", "person", "date"))
"""Objects of these kinds make an unknown capitalised subject a person."""
_OBJECT_KINDS: Final = {
    "birthday": "date",
    "is named": "name",
    "works as": "job",
    "age": "number",
}
"""The kinds of object by noun; all other nouns have a liking."""


@dataclass
class _Builder:
    """Collects the extraction of one message."""

    speaker: str
    day: date
    facts: dict[tuple[str, str, str], Fact] = field(default_factory=dict)
    entities: dict[str, Entity] = field(default_factory=dict)
    people: list[str] = field(default_factory=list)

    def add_fact(self, fact: Fact) -> None:
        """Add a fact once."""
        if len(self.facts) < MAX_FACTS:
            self.facts.setdefault((fact.subject, fact.predicate, fact.object), fact)

    def add_entity(self, name: str, kind: str, **attributes: str) -> None:
        """Add an entity once; its attributes are merged."""
        if name == self.speaker:
            return
        entity = self.entities.setdefault(name, Entity(name=name, type=kind))
        entity.attributes.update(attributes)
        if kind == "person" and name not in self.people:
            self.people.append(name)


@dataclass(frozen=True)
class _Clause:
    """A sentence, and what stands before the subject of the clause that is read."""

    tokens: list[str]
    lower: list[str]
    subject: Subject
    opener: list[str]


def extract(text: str, *, speaker: str = "user", written_at: datetime) -> Extraction:
    """Return what `text` states about people, places, organisations, likes and dates.

    Questions, denials, conditions and quotations state nothing. Takes time linear in the length.
    """
    builder = _Builder(speaker, written_at.date())
    for sentence in sentences(text):
        if not is_question(sentence) and not sentence.startswith((">", "```", "|")):
            _read_sentence(tokenize(sentence), builder)
    for fact in (*facts_in_languages(text, speaker), *aliases_in(text, speaker)):
        builder.add_fact(fact)
    return Extraction(entities=list(builder.entities.values()), facts=list(builder.facts.values()))


def _read_sentence(tokens: list[str], builder: _Builder) -> None:
    lower = [token.lower() for token in tokens]
    doubt = next((index for index, token in enumerate(lower) if token in DOUBT), len(lower))
    for name, relation, kind in named_relatives(tokens, lower):
        builder.add_fact(Fact(subject=builder.speaker, predicate=relation, object=name))
        builder.add_entity(name, kind, **{"is": f"{builder.speaker}'s {relation}"})
    end = 0
    for start in clause_starts(lower):
        if start > doubt:
            break
        if start >= end:
            end = max(end, _read_clause(tokens, lower, start, builder))


def _read_clause(tokens: list[str], lower: list[str], start: int, builder: _Builder) -> int:
    """Read one subject and all its predicates; return the index after them."""
    index = start
    while index < len(lower) and index - start < 6 and lower[index] in OPENERS:
        index += 1
    index = _after_date(lower, index)
    subject = read_subject(tokens, lower, index, builder.speaker, builder.people)
    if subject is None:
        return start
    if subject.noun:
        return _read_noun(tokens, lower, subject, builder)
    opener_start = _start_of_date(lower, start)
    clause = _Clause(tokens, lower, subject, tokens[opener_start:index])
    index = subject.end
    while (end := _read_predicate(clause, index, builder)) is not None:
        next_index = _next_predicate(lower, end)
        if next_index is None:
            return end
        index = next_index
    return index


def _start_of_date(lower: list[str], start: int) -> int:
    """Return where the date before the clause begins: "Last week, I moved"; `start` without one.

    A date in a clause of its own is about that clause: "The flood was yesterday, I live here".
    """
    if not start or lower[start - 1] != ",":
        return start
    begin = start - 1
    while begin and (lower[begin - 1] in _DATE_WORDS or lower[begin - 1][0].isdecimal()):
        begin -= 1
    is_whole = not begin or lower[begin - 1] in BREAKS or lower[begin - 1] in CONJUNCTIONS
    return begin if is_whole else start


def _after_date(lower: list[str], start: int) -> int:
    """Return the index after a date at the start of a clause: "From 2010 to 2014 I worked"."""
    end = start
    if lower[end : end + 1] and lower[end] in _DATE_OPENERS:
        end += 1
        while end < len(lower) and (lower[end].isdecimal() or lower[end] in _DATE_WORDS):
            end += 1
    return end if end > start + 1 else start


def _read_noun(tokens: list[str], lower: list[str], subject: Subject, builder: _Builder) -> int:
    """Read "my birthday is 3 May", "Rex's favourite toy is a sock"; return the index after it."""
    index = subject.end
    if lower[index - 1] != "me":  # "Call me" has no verb after it.
        if lower[index : index + 1] not in (["is"], ["'s"]):
            return index
        index += 1
    phrase = read_object(_OBJECT_KINDS.get(subject.noun, "liking"), tokens, index)
    if phrase is None:
        return subject.end
    for name in subject.names:
        builder.add_fact(Fact(subject=name, predicate=subject.noun, object=phrase.text))
    return phrase.end


def _read_predicate(clause: _Clause, start: int, builder: _Builder) -> int | None:
    """Read the predicate at `start`; return the index after its object, or None."""
    tokens, lower, subject = clause.tokens, clause.lower, clause.subject
    negation_end = _end_of_negation(lower, start)
    start = negation_end or start
    for index in range(start, min(start + 5, len(lower))):
        for wording, verb in VERBS.get(lower[index], ()):
            verb_end = index + len(wording)
            # "She no longer lives in", "she does not live in".
            is_base = subject.plural or lower[start - 1] == "not"
            fits = verb.first if is_base else verb.third
            if not fits or tuple(lower[index:verb_end]) != wording:
                continue
            phrase = read_object(verb.kind, tokens, verb_end)
            if phrase and (subject.certain or verb.kind in _PERSONAL_KINDS):
                return _add_statement(clause, verb, phrase, builder, negated=bool(negation_end))
        if lower[index] not in SKIPPED:
            return None
    return None


def _end_of_negation(lower: list[str], start: int) -> int | None:
    """Return the index after "no longer", or "do not" where "any more" follows; else None."""
    if lower[start : start + 2] == ["no", "longer"]:
        return start + 2
    is_denied = lower[start : start + 1] in (["do"], ["does"]) and lower[start + 1 : start + 2] == [
        "not"
    ]
    tail = " ".join(lower[start : start + MAX_NEGATED])
    return start + 2 if is_denied and _ANY_MORE.search(tail) else None


def _add_statement(
    clause: _Clause, verb: Verb, phrase: Phrase, builder: _Builder, *, negated: bool = False
) -> int:
    """Add the fact and its entities; return the index after the statement."""
    lower, end = clause.lower, phrase.end
    tail_end = end
    while tail_end < len(lower) and tail_end - end < 8 and not _ends_tail(lower, tail_end):
        tail_end += 1
    predicate, future = _predicate_of(verb, phrase.text), verb.predicate in PLANS
    valid_from = find_date(clause.tokens[end:tail_end], builder.day, future=future)
    valid_from = valid_from or find_date(clause.opener, builder.day)
    valid_to = None
    if predicate in PAST:
        is_open = "since" in lower[end:tail_end]
        predicate = PAST[predicate]
        if not is_open:
            start, valid_to = find_range([*clause.opener, *clause.tokens[end:tail_end]])
            valid_from = start or valid_from
            valid_to = valid_to or _day_after(valid_from, builder.day)
    elif predicate == "moved to" and (years := years_stayed(lower[end:])) and valid_from:
        valid_to = f"{int(valid_from[:4]) + years:04}"
    status: Status = "planned" if future else "asserted"
    for name in clause.subject.names:
        if (name, predicate) == (phrase.text, "is named"):
            continue  # "My dog is called Rex" has named the dog already.
        fact = Fact(
            subject=name,
            predicate=predicate,
            object=phrase.text,
            valid_from=valid_from,
            valid_to=valid_to,
            negated=negated,
            status=status,
        )
        builder.add_fact(fact)
        if name != builder.speaker and is_name(name.split()[0]):
            builder.add_entity(name, clause.subject.kind)
    if verb.kind in _ENTITY_KINDS:
        builder.add_entity(phrase.text, verb.kind)
    if predicate == "works as":
        return _read_employer(clause, end, builder) or tail_end
    return tail_end


def _day_after(valid_from: str | None, today: date) -> str:
    """Return the end of a past that has none: that of the year or month it lay in, else today."""
    present = today.isoformat()
    return end_of(valid_from) if valid_from and valid_from <= present else present


def _predicate_of(verb: Verb, text: str) -> str:
    """Return the verb's predicate; what follows "is" decides between age, job and trait."""
    if verb.kind != "being":
        return PLANS.get(verb.predicate, verb.predicate)
    if text.isdecimal():
        return "age"
    return "works as" if text.lower().split()[-1] in JOBS else "is"


def _ends_tail(lower: list[str], index: int) -> bool:
    """Return whether the clause ends at `index`; the comma in "May 3rd, 2020" does not end it."""
    next_token = lower[index + 1] if index + 1 < len(lower) else ""
    before_year = lower[index] == "," and len(next_token) == 4 and next_token.isdecimal()
    return lower[index] in _TAIL_ENDS and not before_year


def _read_employer(clause: _Clause, start: int, builder: _Builder) -> int | None:
    """Read the "at Initech" after a job; return the index after it, or None."""
    if clause.lower[start : start + 1] not in (["at"], ["for"]):
        return None
    employer = read_object("organisation", clause.tokens, start + 1)
    if employer is None:
        return None
    for name in clause.subject.names:
        builder.add_fact(Fact(subject=name, predicate="works at", object=employer.text))
    builder.add_entity(employer.text, "organisation")
    return employer.end


def _next_predicate(lower: list[str], end: int) -> int | None:
    """Return where the subject's next predicate may begin: after "and" or "but"."""
    index = end
    while index < len(lower) and lower[index] in (",", "and", "but", "then"):
        index += 1
    return index if index > end and index < len(lower) else None
