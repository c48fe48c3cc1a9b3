"""Entities and facts of one English message by rules: rather nothing than something wrong."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from threadkeep.extract.extraction import Entity, Extraction, Fact
from threadkeep.extract.rules_dates import find_date
from threadkeep.extract.rules_phrases import is_name, read_object
from threadkeep.extract.rules_subjects import Subject, named_relatives, read_subject
from threadkeep.extract.rules_tokens import BREAKS, starts, tokens
from threadkeep.extract.rules_verbs import VERBS, Verb
from threadkeep.extract.rules_words import CONJUNCTIONS, DOUBT, JOBS, OPENERS, SKIPPED
from threadkeep.extract.sentences import is_question, sentences

MOST_FACTS: Final = 100
_TYPES: Final = {"place": "place", "organisation": "organisation", "person": "person"}
_TAIL_ENDS: Final = (BREAKS | CONJUNCTIONS) - {"since"}
_PERSONAL: Final = frozenset({"place", "organisation", "job", "person", "date"})
"""Objects that make even an unknown capitalised subject somebody's name."""


@dataclass
class Notes:
    """What was found so far in one message."""

    speaker: str
    said: date
    facts: dict[tuple[str, str, str], Fact] = field(default_factory=dict)
    entities: dict[str, Entity] = field(default_factory=dict)
    people: list[str] = field(default_factory=list)

    def note(self, subject: str, predicate: str, told: str, since: str | None = None) -> None:
        """Put a fact down once."""
        if len(self.facts) < MOST_FACTS:
            fact = Fact(subject=subject, predicate=predicate, object=told, valid_from=since)
            self.facts.setdefault((subject, predicate, told), fact)

    def name(self, name: str, kind: str, **attributes: str) -> None:
        """Put an entity down once; attributes join."""
        if name == self.speaker:
            return
        entity = self.entities.setdefault(name, Entity(name=name, type=kind))
        entity.attributes.update(attributes)
        if kind == "person" and name not in self.people:
            self.people.append(name)


def extract(text: str, *, speaker: str = "user", said_at: datetime) -> Extraction:
    """Return what `text` states about people, places, organisations, likes and dates.

    Questions and whatever is denied, supposed or quoted state nothing. Linear in the length.
    """
    notes = Notes(speaker, said_at.date())
    for sentence in sentences(text):
        if not is_question(sentence) and not sentence.startswith((">", "```", "|")):
            _read_sentence(tokens(sentence), notes)
    return Extraction(entities=list(notes.entities.values()), facts=list(notes.facts.values()))


def _read_sentence(found: list[str], notes: Notes) -> None:
    low = [token.lower() for token in found]
    doubt = next((place for place, token in enumerate(low) if token in DOUBT), len(low))
    for name, relation, kind in named_relatives(found, low):
        notes.note(notes.speaker, relation, name)
        notes.name(name, kind, **{"is": f"{notes.speaker}'s {relation}"})
    behind = 0
    for start in starts(low):
        if start > doubt:
            break
        if start >= behind:
            behind = max(behind, _read_clause(found, low, start, notes))


def _read_clause(found: list[str], low: list[str], start: int, notes: Notes) -> int:
    """Read one subject and all that is said of it; return the place behind it."""
    at = start
    while at < len(low) and at - start < 6 and low[at] in OPENERS:
        at += 1
    subject = read_subject(found, low, at, notes.speaker, notes.people)
    if subject is None:
        return start
    if subject.noun:
        return _read_noun(found, low, subject, notes)
    opener = found[max(0, start - 6) if start and low[start - 1] == "," else start : at]
    at = subject.end
    while (end := _read_predicate(found, low, at, subject, notes, opener)) is not None:
        following = _next_predicate(low, end)
        if following is None:
            return end
        at = following
    return at


def _read_noun(found: list[str], low: list[str], subject: Subject, notes: Notes) -> int:
    """Read "my birthday is 3 May", "Rex's favourite toy is a sock"."""
    at = subject.end
    asked = low[at - 1] == "me"
    if not asked and low[at : at + 1] not in (["is"], ["'s"]):
        return at
    kind = "liking"
    if subject.noun == "birthday":
        kind = "date"
    elif subject.noun == "is named":
        kind = "name"
    elif subject.noun == "works as":
        kind = "job"
    elif subject.noun == "age":
        kind = "number"
    if told := read_object(kind, found, at + (not asked)):
        for who in subject.names:
            notes.note(who, subject.noun, told[0])
        return told[1]
    return at


def _read_predicate(
    found: list[str],
    low: list[str],
    at: int,
    subject: Subject,
    notes: Notes,
    opener: list[str],
) -> int | None:
    """Note the predicate at `at`; return the place behind its object, or None."""
    for place in range(at, min(at + 5, len(low))):
        for way, verb in VERBS.get(low[place], ()):
            if not _fits(verb, subject) or tuple(low[place : place + len(way)]) != way:
                continue
            told = read_object(verb.kind, found, place + len(way))
            if told and (subject.known or verb.kind in _PERSONAL):
                return _note(found, low, subject, verb, told, notes, opener)
        if low[place] not in SKIPPED:
            return None
    return None


def _fits(verb: Verb, subject: Subject) -> bool:
    return verb.first if subject.plural else verb.third


def _note(
    found: list[str],
    low: list[str],
    subject: Subject,
    verb: Verb,
    told: tuple[str, int],
    notes: Notes,
    opener: list[str],
) -> int:
    words, end = told
    close = end
    while close < len(low) and close - end < 8 and not _ends_tail(low, close):
        close += 1
    future = verb.predicate.startswith("is moving")
    since = find_date(found[end:close], notes.said, future=future) or find_date(opener, notes.said)
    predicate = verb.predicate
    if verb.kind == "being":
        predicate = "works as" if words.lower().split()[-1] in JOBS else "is"
        predicate = "age" if words.isdecimal() else predicate
    if predicate == "lived in" and "since" in low[end:close]:
        predicate = "lives in"
    for who in subject.names:
        if (who, predicate) == (words, "is named"):
            continue  # "My dog is called Rex" has said so already.
        notes.note(who, predicate, words, since)
        if who != notes.speaker and is_name(who.split()[0]):
            notes.name(who, subject.kind)
    if verb.kind in _TYPES:
        notes.name(words, _TYPES[verb.kind])
    return _employer(found, low, subject, predicate, end, notes) or close


def _ends_tail(low: list[str], at: int) -> bool:
    """Tell whether the clause ends at `at`; the comma in "May 3rd, 2020" does not end it."""
    year = low[at] == "," and at + 1 < len(low) and len(low[at + 1]) == 4
    return low[at] in _TAIL_ENDS and not (year and low[at + 1].isdecimal())


def _employer(
    found: list[str], low: list[str], subject: Subject, predicate: str, end: int, notes: Notes
) -> int | None:
    """Read the "at Initech" behind a job."""
    if predicate != "works as" or low[end : end + 1] not in (["at"], ["for"]):
        return None
    where = read_object("organisation", found, end + 1)
    if where is None:
        return None
    for who in subject.names:
        notes.note(who, "works at", where[0])
    notes.name(where[0], "organisation")
    return where[1]


def _next_predicate(low: list[str], end: int) -> int | None:
    """Return where the next predicate of the same subject may begin: behind "and" or "but"."""
    at = end
    while at < len(low) and low[at] in (",", "and", "but", "then"):
        at += 1
    return at if at > end and at < len(low) else None
