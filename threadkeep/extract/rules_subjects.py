"""Subjects: who a clause is about."""

from collections.abc import Iterator
from dataclasses import dataclass

from threadkeep.extract.rules_phrases import is_name, read_name
from threadkeep.extract.rules_words import ANIMALS, MODIFIERS, NOUNS, RELATIONS, SAME


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Who a clause is about."""

    names: tuple[str, ...]
    end: int
    plural: bool = False
    """Whether the verb stands in its first form, as behind "I", "we" or two names."""
    known: bool = True
    """Whether it is surely somebody, not just a capitalised word."""
    noun: str = ""
    """What of theirs it is about, as a predicate: "birthday"."""
    kind: str = "person"


def read_subject(
    found: list[str], low: list[str], at: int, speaker: str, people: list[str]
) -> Subject | None:
    """Return who the clause at `at` is about, or None."""
    if at >= len(low) - 1:
        return None
    if low[at] in ("i", "we"):
        return Subject(names=(speaker,), end=at + 1, plural=True)
    if low[at] in ("he", "she") and people:
        return Subject(names=(people[-1],), end=at + 1)
    if low[at : at + 2] == ["call", "me"]:
        return Subject(names=(speaker,), end=at + 2, noun="is named")
    if low[at] in ("my", "our"):
        return _mine(found, low, at + 1, speaker)
    return _named(found, low, at, people)


def named_relatives(found: list[str], low: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yield name, relation and kind for each "my sister Miriam", wherever it stands."""
    for at, token in enumerate(low):
        if token in ("my", "our") and at + 2 < len(low):
            if related := _relation(low, at + 1):
                yield from _relatives(found, low, *related)
        elif token in ("a", "an") and (related := _owned_relation(low, at)):
            if name := read_name(found, related[1] + 1):
                yield name[0], related[0], kind_of(related[0])
        elif token in ("is", "are", "'s", ",") and low[at + 1 : at + 2] == ["my"] and at:
            yield from _told_after(found, low, at)


def _owned_relation(low: list[str], at: int) -> tuple[str, int, bool] | None:
    """Return the relation in "I have a daughter named"."""
    before = low[max(0, at - 8) : at]
    owned = {"i", "we"} & set(before) and {"have", "adopted", "got"} & set(before)
    related = _relation(low, at + 1) if owned else None
    named = related and low[related[1] : related[1] + 1] in (["named"], ["called"])
    return related if named else None


def _told_after(found: list[str], low: list[str], at: int) -> Iterator[tuple[str, str, str]]:
    """Read "Miriam is my sister" and "Miriam, my sister, ..."."""
    related = _relation(low, at + 2)
    begin = at
    while begin and is_name(found[begin - 1]) and at - begin < 3:
        begin -= 1
    if related is None or begin == at or (begin and low[begin - 1] in ("and", "'s", "my", "not")):
        return
    relation, end, plural = related
    if not plural and low[end : end + 1] != ["'s"] and not read_name(found, end):
        yield " ".join(found[begin:at]), relation, kind_of(relation)


def kind_of(relation: str) -> str:
    """Return the type of an entity that is somebody's `relation`."""
    return "animal" if relation in ANIMALS else "person"


def _relatives(
    found: list[str], low: list[str], relation: str, end: int, plural: bool
) -> Iterator[tuple[str, str, str]]:
    at = end
    if low[at : at + 2] == ["'s", "name"]:
        at += 2
    if low[at : at + 1] == [","]:
        at += 1
    elif low[at : at + 2] in (["is", "called"], ["is", "named"], ["are", "called"]):
        at += 2
    elif low[at : at + 1] in (["named"], ["called"], ["are"]) or (
        at > end and low[at : at + 1] == ["is"]
    ):
        at += 1
    elif at > end:
        return
    elif low[at : at + 1] == ["is"] and _is_whole_name(found, at + 1):
        at += 1
    while name := read_name(found, at):
        owner = low[name[1] : name[1] + 1] == ["'s"]
        if at != end and (owner or _begins_clause(low, name[1], end)):
            return
        yield name[0], relation, kind_of(relation)
        at = name[1]
        if not plural or low[at : at + 1] not in (["and"], [","]):
            return
        at += 1


def _is_whole_name(found: list[str], at: int) -> bool:
    """Tell "my boss is Priya" from "my boss is Catholic": a full stop, and no adjective's end."""
    name = read_name(found, at)
    if name is None or name[1] - at > 1:
        return name is not None
    ended = name[1] >= len(found) or found[name[1]] in (".", ",", "!", "and")
    return ended and not found[at].endswith(("ian", "ish", "ese", "ic", "can", "ist", "im", "ean"))


def _begins_clause(low: list[str], at: int, end: int) -> bool:
    """Tell whether the name behind "my sister," begins a clause of its own, as in "., Bo is"."""
    return low[end] == "," and not (at >= len(low) or low[at] in (",", ".", "!", ")", "and"))


def _relation(low: list[str], at: int) -> tuple[str, int, bool] | None:
    """Return the relation at `at`, the place behind it, and whether it is many."""
    end = at
    while end < len(low) and end - at < 3 and low[end] in MODIFIERS:
        end += 1
    if end >= len(low):
        return None
    word = SAME.get(low[end], low[end])
    if word in RELATIONS or word in ANIMALS:
        return word, end + 1, low[end] == "children"
    single = word.removesuffix("s")
    single = SAME.get(single, single)
    if single != word and (single in RELATIONS or single in ANIMALS):
        return single, end + 1, True
    return None


def _mine(found: list[str], low: list[str], at: int, speaker: str) -> Subject | None:
    """Read what stands behind "my": a relation, somebody's name or birthday, a favourite."""
    if noun := _noun(low, at):
        return Subject(names=(speaker,), end=noun[1], noun=noun[0])
    related = _relation(low, at)
    if related is None:
        return None
    relation, end, plural = related
    names = tuple(name for name, _, _ in _relatives(found, low, *related))
    end = _behind_names(found, low, end)
    who = names or (f"{speaker}'s {relation}",)
    if plural and not names:
        return None
    if low[end : end + 1] == ["'s"] and (noun := _noun(low, end + 1)):
        return Subject(names=who, end=noun[1], noun=noun[0], kind=kind_of(relation))
    return Subject(names=who, end=end, plural=len(who) > 1, kind=kind_of(relation))


def _behind_names(found: list[str], low: list[str], at: int) -> int:
    """Return the place behind the names that follow a relation, commas around them included."""
    end = at
    comma = low[end : end + 1] == [","]
    while name := read_name(found, end + (low[end : end + 1] in ([","], ["and"]))):
        end = name[1]
    return end + (comma and end > at and low[end : end + 1] == [","])


def _noun(low: list[str], at: int) -> tuple[str, int] | None:
    """Return the predicate of "birthday" or "favourite colour" at `at`, and the place behind."""
    if at >= len(low):
        return None
    if low[at] in NOUNS:
        return NOUNS[low[at]], at + 1
    if low[at] in ("favourite", "favorite"):
        end = at + 1
        while end < len(low) and end - at < 4 and low[end] not in ("is", "'s", "are", "was"):
            if not low[end][0].isalpha():
                return None
            end += 1
        if end > at + 1 and low[end : end + 1] in (["is"], ["'s"]):
            return f"favourite {' '.join(low[at + 1 : end])}", end
    return None


def _named(found: list[str], low: list[str], at: int, people: list[str]) -> Subject | None:
    name = read_name(found, at)
    if name is None:
        return None
    names, end = [name[0]], name[1]
    if low[end : end + 2] == [",", "my"] and (related := _relation(low, end + 2)):
        end = related[1] + (low[related[1] : related[1] + 1] == [","])
        return Subject(names=(name[0],), end=end, kind=kind_of(related[0]))
    if low[end : end + 1] == ["and"] and (second := read_name(found, end + 1)):
        names, end = [name[0], second[0]], second[1]
    known = all(each in people for each in names)
    if low[end : end + 1] == ["'s"] and (noun := _noun(low, end + 1)):
        return Subject(names=tuple(names[-1:]), end=noun[1], noun=noun[0])
    return Subject(names=tuple(names), end=end, plural=len(names) > 1, known=known)
