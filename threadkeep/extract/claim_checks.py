"""Check what a model extracted before it is noted: ids, subjects and predicates."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from threadkeep.base.predicates import predicate_table
from threadkeep.extract.extraction import Extraction, Fact
from threadkeep.extract.sentences import words

_WRITER = frozenset(("user", "the user", "i", "me", "myself", "we", "the writer", "the speaker"))


def check_extraction(
    extraction: Extraction,
    *,
    speakers: Sequence[str],
    candidates: Mapping[str, Mapping[str, Any]],
    texts: Iterable[str],
) -> Extraction:
    """Return what may be noted, and how much was dropped.

    `speakers` are who wrote each message; the names of a writer become theirs. `candidates` are the
    facts that the model was shown, by the id that it was shown; an end of one of them becomes a
    claim that it holds no longer. A claim about somebody whom neither the texts nor the candidates
    facts name is dropped.
    """
    names = _words_of(*texts, *speakers, *map(_names_of, candidates.values()))
    facts = [_of_writer(fact, speakers) for fact in extraction.facts]
    facts += [wrong for fact in facts for wrong in _replaced(fact)]
    valid = [f for f in facts if f.subject in speakers or _is_named(f.subject, names)]
    ids = [id_.strip(" []#()").casefold() for id_ in extraction.ends]
    ended = [_end(candidates[id_]) for id_ in dict.fromkeys(ids) if id_ in candidates]
    # What a claim of the same message says of the fact itself is more exact than its end.
    claimed = {_key(fact) for fact in valid}
    ended = [fact for fact in ended if _key(fact) not in claimed]
    unknown = len(facts) - len(valid) + sum(id_ not in candidates for id_ in ids)
    return extraction.model_copy(
        update={"facts": [*valid, *ended], "ends": [], "dropped": extraction.dropped + unknown}
    )


def speaker_of(fact: Fact, speakers: Sequence[str]) -> str:
    """Return who wrote the message of a claim; a number that is none stands for the last."""
    number = fact.message if 0 < fact.message <= len(speakers) else len(speakers)
    return speakers[number - 1]


def _of_writer(fact: Fact, speakers: Sequence[str]) -> Fact:
    """Return the claim with the writer's own name in place of "I"."""
    fields = {"subject": fact.subject, "object": fact.object}
    writer = {field: name for field, name in fields.items() if name.casefold() in _WRITER}
    speaker = speaker_of(fact, speakers)
    return fact.model_copy(update=dict.fromkeys(writer, speaker)) if writer else fact


def _is_named(name: str, names: set[str]) -> bool:
    """Return whether a word of the name is one of these."""
    return not names.isdisjoint(_words_of(name))


def _words_of(*texts: str) -> set[str]:
    """Return the words of texts without their possessives."""
    all_words = [word for text in texts for word in words(text)]
    return {word.removesuffix("'s").removesuffix("’s") for word in all_words}


def _names_of(fact: Mapping[str, Any]) -> str:
    return f"{fact['subject']} {fact['object']}"


def _replaced(fact: Fact) -> list[Fact]:
    """Return that what a correction replaces never was, where more than one object may hold."""
    table = predicate_table()
    if not fact.replaces or table.of(table.canonical(fact.predicate)).single:
        return []
    return [fact.model_copy(update={"object": fact.replaces, "negated": True, "replaces": None})]


def _end(fact: Mapping[str, Any]) -> Fact:
    return Fact(
        subject=fact["subject"], predicate=fact["predicate"], object=fact["object"], negated=True
    )


def _key(fact: Fact) -> Sequence[str]:
    return fact.subject.casefold(), fact.predicate.casefold(), fact.object.casefold()
