"""Match words of the same meaning: light stems, and small families of stems."""

from typing import Final

from threadkeep.extract.rules_words import ANIMALS, SYNONYMS
from threadkeep.extract.sentences import words

STOP_WORDS: Final = frozenset(
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
"""Stems of any topic; alone they decide only questions about the user."""
_FAMILY_LINES: Final = """
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
    """Return an English word without its ending: "moved" and "moving" are both "mov"."""
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


def content_stems(text: str) -> list[str]:
    """Return the stems of all words but stop words, in order."""
    plain = (word.replace("’", "'") for word in words(text))
    return [stem(word) for word in plain if word not in STOP_WORDS]


def family(word_stem: str) -> frozenset[str]:
    """Return the stems that may stand for this one."""
    return _FAMILIES.get(word_stem, frozenset()) | {word_stem}


def _families() -> dict[str, frozenset[str]]:
    families: dict[str, frozenset[str]] = {}
    for line in _FAMILY_LINES:
        members = frozenset(line.split())
        for member in members:
            families[member] = families.get(member, frozenset()) | members
    # A special word answers a question for the general one, not the other way round.
    for general in ("sibl", "parent", "child", "spous"):
        for member in families[general] - {general}:
            families[member] = frozenset({member, general})
    families["marri"] = frozenset("marri spous husband wife".split())
    families["pet"] = frozenset(map(stem, ANIMALS)) | {"pet"}
    return families


_FAMILIES: Final = _families()
