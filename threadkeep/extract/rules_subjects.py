"""Read the subject of a clause, and the relatives that a sentence names."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from threadkeep.extract.rules_phrases import is_name, read_name
from threadkeep.extract.rules_words import ANIMALS, MODIFIERS, NOUNS, RELATIONS, SYNONYMS


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Who a clause is about."""

    names: tuple[str, ...]
    end: int
    """The index after the subject."""
    plural: bool = False
    """Whether the verb has its first form, as after "I", "we" or two names."""
    certain: bool = True
    """Whether it is certainly a person or animal, not just a capitalised word."""
    noun: str = ""
    """The predicate, if the clause is about a noun of the subject: "birthday"."""
    kind: str = "person"


class Relative(NamedTuple):
    """A person or animal that belongs to the speaker."""

    name: str
    relation: str
    kind: str


class _Relation(NamedTuple):
    """A relation such as "sister", the index after it, and whether it is several people."""

    name: str
    end: int
    plural: bool


class _Noun(NamedTuple):
    """The predicate of a noun such as "birthday", and the index after it."""

    predicate: str
    end: int


def read_subject(
    tokens: list[str], lower: list[str], start: int, speaker: str, people: list[str]
) -> Subject | None:
    """Return the subject of the clause at `start`, or None.

    "He" and "she" are the last of `people`.
    """
    if start >= len(lower) - 1:
        return None
    if lower[start] in ("i", "we"):
        return Subject(names=(speaker,), end=start + 1, plural=True)
    if lower[start] in ("he", "she") and people:
        return Subject(names=(people[-1],), end=start + 1)
    if lower[start : start + 2] == ["call", "me"]:
        return Subject(names=(speaker,), end=start + 2, noun="is named")
    if lower[start] in ("my", "our"):
        return _read_possession(tokens, lower, start + 1, speaker)
    return _read_named(tokens, lower, start, people)


def named_relatives(tokens: list[str], lower: list[str]) -> Iterator[Relative]:
    """Yield the relatives that a sentence names anywhere, as in "my sister Miriam"."""
    for index, token in enumerate(lower):
        if token in ("my", "our") and index + 2 < len(lower):
            if relation := _relation(lower, index + 1):
                yield from _names_after(tokens, lower, relation)
        elif token in ("a", "an") and (relation := _owned_relation(lower, index)):
            if name := read_name(tokens, relation.end + 1):
                yield Relative(name.text, relation.name, kind_of(relation.name))
        elif token in ("is", "are", "'s", ",") and lower[index + 1 : index + 2] == ["my"]:
            yield from _name_before(tokens, lower, index)


def kind_of(relation: str) -> str:
    """Return the entity type of somebody's `relation`."""
    return "animal" if relation in ANIMALS else "person"


def _owned_relation(lower: list[str], article: int) -> _Relation | None:
    """Return the relation after the article in "I have a daughter named"."""
    before = {*lower[max(0, article - 8) : article]}
    if not (before & {"i", "we"} and before & {"have", "adopted", "got"}):
        return None
    relation = _relation(lower, article + 1)
    if relation and lower[relation.end : relation.end + 1] in (["named"], ["called"]):
        return relation
    return None


def _name_before(tokens: list[str], lower: list[str], end: int) -> Iterator[Relative]:
    """Read "Miriam is my sister" and "Miriam, my sister, ..."; the name ends at `end`."""
    relation = _relation(lower, end + 2)
    start = end
    while start and is_name(tokens[start - 1]) and end - start < 3:
        start -= 1
    if relation is None or start == end:
        return
    if start and lower[start - 1] in ("and", "'s", "my", "not"):
        return
    is_possessive = lower[relation.end : relation.end + 1] == ["'s"]
    if not relation.plural and not is_possessive and not read_name(tokens, relation.end):
        yield Relative(" ".join(tokens[start:end]), relation.name, kind_of(relation.name))


def _names_after(tokens: list[str], lower: list[str], relation: _Relation) -> Iterator[Relative]:
    """Read the names after "my sister", "my kids are", "my friend's name is"."""
    end = relation.end
    index = _names_start(tokens, lower, end)
    while index is not None and (name := read_name(tokens, index)):
        is_owner = lower[name.end : name.end + 1] == ["'s"]
        if index != end and (is_owner or _begins_clause(lower, name.end, end)):
            return
        yield Relative(name.text, relation.name, kind_of(relation.name))
        index = name.end
        if not relation.plural or lower[index : index + 1] not in (["and"], [","]):
            return
        index += 1


def _names_start(tokens: list[str], lower: list[str], end: int) -> int | None:
    """Return where names may begin after a relation that ends at `end`, or None."""
    index = end
    if lower[index : index + 2] == ["'s", "name"]:
        index += 2
    if lower[index : index + 1] == [","]:
        return index + 1
    if lower[index : index + 2] in (["is", "called"], ["is", "named"], ["are", "called"]):
        return index + 2
    if lower[index : index + 1] in (["named"], ["called"], ["are"]):
        return index + 1
    is_copula = lower[index : index + 1] == ["is"]
    if index > end:
        return index + 1 if is_copula else None
    return index + 1 if is_copula and _is_full_name(tokens, index + 1) else index


def _is_full_name(tokens: list[str], start: int) -> bool:
    """Tell "my boss is Priya" from "my boss is Catholic".

    A single word must end its clause, and not have the ending of an adjective.
    """
    name = read_name(tokens, start)
    if name is None or name.end - start > 1:
        return name is not None
    ends_clause = name.end >= len(tokens) or tokens[name.end] in (".", ",", "!", "and")
    adjective_endings = ("ian", "ish", "ese", "ic", "can", "ist", "im", "ean")
    return ends_clause and not tokens[start].endswith(adjective_endings)


def _begins_clause(lower: list[str], name_end: int, relation_end: int) -> bool:
    """Return whether the name after "my sister," begins a clause of its own, as in ", Bo is"."""
    ends = name_end >= len(lower) or lower[name_end] in (",", ".", "!", ")", "and")
    return lower[relation_end] == "," and not ends


def _relation(lower: list[str], start: int) -> _Relation | None:
    """Return the relation at `start`, in the singular."""
    index = start
    while index < len(lower) and index - start < 3 and lower[index] in MODIFIERS:
        index += 1
    if index >= len(lower):
        return None
    word = SYNONYMS.get(lower[index], lower[index])
    if word in RELATIONS or word in ANIMALS:
        return _Relation(word, index + 1, lower[index] == "children")
    singular = word.removesuffix("s")
    singular = SYNONYMS.get(singular, singular)
    if singular != word and (singular in RELATIONS or singular in ANIMALS):
        return _Relation(singular, index + 1, True)
    return None


def _read_possession(
    tokens: list[str], lower: list[str], start: int, speaker: str
) -> Subject | None:
    """Read the words after "my": a relation, or a noun of the speaker or of the relation."""
    if noun := _noun(lower, start):
        return Subject(names=(speaker,), end=noun.end, noun=noun.predicate)
    relation = _relation(lower, start)
    if relation is None:
        return None
    names = tuple(relative.name for relative in _names_after(tokens, lower, relation))
    if relation.plural and not names:
        return None
    end = _names_end(tokens, lower, relation.end)
    names = names or (f"{speaker}'s {relation.name}",)
    kind = kind_of(relation.name)
    if lower[end : end + 1] == ["'s"] and (noun := _noun(lower, end + 1)):
        return Subject(names=names, end=noun.end, noun=noun.predicate, kind=kind)
    return Subject(names=names, end=end, plural=len(names) > 1, kind=kind)


def _names_end(tokens: list[str], lower: list[str], start: int) -> int:
    """Return the index after the names that follow a relation and the commas around them."""
    end = start
    has_comma = lower[start : start + 1] == [","]
    while name := read_name(tokens, end + (lower[end : end + 1] in ([","], ["and"]))):
        end = name.end
    return end + (has_comma and end > start and lower[end : end + 1] == [","])


def _noun(lower: list[str], start: int) -> _Noun | None:
    """Return the noun at `start`: "birthday", "favourite colour"."""
    if start >= len(lower):
        return None
    if lower[start] in NOUNS:
        return _Noun(NOUNS[lower[start]], start + 1)
    if lower[start] not in ("favourite", "favorite"):
        return None
    end = start + 1
    while end < len(lower) and end - start < 4 and lower[end] not in ("is", "'s", "are", "was"):
        if not lower[end][0].isalpha():
            return None
        end += 1
    if end > start + 1 and lower[end : end + 1] in (["is"], ["'s"]):
        return _Noun(f"favourite {' '.join(lower[start + 1 : end])}", end)
    return None


def _read_named(
    tokens: list[str], lower: list[str], start: int, people: list[str]
) -> Subject | None:
    """Read a subject that begins with a name: "Miriam, my sister,", "Anna and Tom"."""
    name = read_name(tokens, start)
    if name is None:
        return None
    names, end = [name.text], name.end
    if lower[end : end + 2] == [",", "my"] and (relation := _relation(lower, end + 2)):
        end = relation.end + (lower[relation.end : relation.end + 1] == [","])
        return Subject(names=(name.text,), end=end, kind=kind_of(relation.name))
    if lower[end : end + 1] == ["and"] and (second := read_name(tokens, end + 1)):
        names, end = [name.text, second.text], second.end
    if lower[end : end + 1] == ["'s"] and (noun := _noun(lower, end + 1)):
        return Subject(names=tuple(names[-1:]), end=noun.end, noun=noun.predicate)
    certain = all(name in people for name in names)
    return Subject(names=tuple(names), end=end, plural=len(names) > 1, certain=certain)
