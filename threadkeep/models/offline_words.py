"""Which words of a question and of a sentence mean the same: light stems, small families."""

from typing import Final

from threadkeep.extract.rules_words import ANIMALS, SYNONYMS
from threadkeep.extract.sentences import words

STOPPED: Final = frozenset(
    "a an the i me my mine we us our you your he him his she her they them their it its this that "
    "these those is are was were be been being am do does did doing done have has had having can "
    "could will would shall should may might must of in on at to for from with by about as into "
    "and or but so if than then there here what which who whom whose where when why how many much "
    "long often kind sort remember know tell say said says told mention mentioned remind ask "
    "talk talked please again ever still now really just also any some all not no don't didn't "
    "what's who's where's when's how's i'm i've it's that's let's isn't doesn't wasn't am't "
    "anything something thing things earlier before recently currently more most very get got "
    "which's last time hey hi hello ok okay well up out off".split()
)
GENERIC: Final = frozenset(
    "live name call work job like favorit birthday born age keep hav own go com mak tak thing "
    "plac hom city country town person peopl day dat year month com giv us want need start "
    "happen type lov hat prefer mov visit".split()
)
"""Stems that fit sentences of any topic: alone they decide only questions about oneself."""
_FAMILIES: Final = """
live mov resid relocat home base settl
work job employ employer profession career company occupation start join
like lov enjoy favorit prefer ador
hat dislik detest loath
name call
born birthday birth
own keep hav
eat food meal
allerg allergic
spous husband wife marri partner
sibl brother sister
parent mother father
child son daughter
travel trip visit fly go
car driv
pay pric cost paid
begin start
age turn birthday born
from born grow
""".strip().splitlines()
_IRREGULAR: Final = {
    "lives": "live", "living": "live", "lived": "live", "live": "live", "met": "meet",
    "bought": "buy", "went": "go", "goes": "go", "gone": "go", "flew": "fly", "kept": "keep",
    "saw": "see", "ate": "eat", "ran": "run", "wrote": "write", "taught": "teach", "sold": "sell",
    "lost": "lose", "found": "find", "left": "leave", "grew": "grow", "began": "begin",
    "drove": "driv", "broke": "break", "chose": "choos", "spoke": "speak", "spent": "spend",
    "built": "build", "won": "win", "gave": "giv", "made": "mak", "took": "tak", "came": "com",
    "home": "home", "base": "base", "based": "base", "women": "woman", "men": "man",
    "married": "marri", "name": "name", "named": "name", "names": "name", "age": "age",
    "wives": "wife", "wife": "wife", "children": "child", "people": "peopl", "allergy": "allerg",
    "old": "age", "favorite": "favorit", "favourite": "favorit",
    "colour": "color", "colours": "color",
    "neighbour": "neighbor", "neighbours": "neighbor", "siblings": "sibl", "sibling": "sibl",
}  # fmt: skip


def stem(word: str) -> str:
    """Return what is left of an English word without its ending: "moved", "moving" -> "mov"."""
    word = word.lower().replace("’", "'").removesuffix("'s").removesuffix("'")
    word = SYNONYMS.get(word, word)
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    for ending in ("ing", "ed", "es", "s", "ly"):
        rest = word.removesuffix(ending)
        if rest != word and len(rest) >= 3 and not word.endswith(("ss", "us", "is")):
            if ending in ("ing", "ed") and rest[-1] == rest[-2] and rest[-1] not in "lsz":
                rest = rest[:-1]
            return stem(rest) if ending == "s" else rest.removesuffix("e")
    return word.removesuffix("e") if len(word) > 3 else word


def content(text: str) -> list[str]:
    """Return the stems of the words that carry meaning, in order."""
    found = (word.replace("’", "'") for word in words(text))
    return [stem(word) for word in found if word not in STOPPED]


def family(stemmed: str) -> frozenset[str]:
    """Return the stems that may stand for this one."""
    return _FAMILY.get(stemmed, frozenset()) | {stemmed}


def _families() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for line in _FAMILIES:
        members = frozenset(line.split())
        for member in members:
            found[member] = found.get(member, frozenset()) | members
    # What is asked for in general is told in particular, not the other way round.
    for general in ("sibl", "parent", "child", "spous"):
        for member in found[general] - {general}:
            found[member] = frozenset({member, general})
    found["marri"] = frozenset("marri spous husband wife".split())
    found["pet"] = frozenset(map(stem, ANIMALS)) | {"pet"}
    return found


_FAMILY: Final = _families()
