"""Other names of people and animals: "Miriam, we call her Mimi", "Bob is short for Robert"."""

import re
from collections.abc import Iterator
from typing import Final

from threadkeep.extract.extraction import Fact
from threadkeep.extract.rules_words import NOT_NAMES
from threadkeep.extract.sentences import is_question, sentences

_CAPITAL = r"[^\W\d_a-zäöüßáéíóúñàâçèêëîïôûœ][\w'’-]*"
_NAME = rf"({_CAPITAL}(?: {_CAPITAL}){{0,2}})"
_CONJUNCTION = r"(?:(?:and|but|und|aber|y|pero|et|mais) )?"
_CALLERS = r"(?:we|I|they|every(?:body|one)|people|friends) (?:all |just |always |usually )?"
_AFTER: Final = tuple(
    re.compile(rf"\b{_NAME}\s*[,;(–—-]*\s+{wording}\s+[\"“„«']?{_NAME}")
    for wording in (
        rf"{_CONJUNCTION}{_CALLERS}calls? (?:her|him|them|it)",
        r"(?:also |better )?known as",
        r"a\.?k\.?a\.?",
        r"nicknamed",
        r"goes by",
        rf"{_CONJUNCTION}(?:wir nennen|alle nennen|ich nenne) (?:sie|ihn|es)(?: alle| immer| nur)?",
        r"genannt",
        rf"{_CONJUNCTION}(?:le decimos|todos le dicen|la llamamos|lo llamamos)",
        r"alias",
        rf"{_CONJUNCTION}(?:on l['’]appelle|tout le monde l['’]appelle)",
        r"surnommée?",
    )
)
"""Between a name and another name of the same."""
_SHORT: Final = tuple(
    re.compile(rf"\b{_NAME}\s*[,(–—]?\s*(?:{wording})\s+{_NAME}")
    for wording in (
        r"(?:is |which is |that's )?(?:short|a nickname) for",
        r"(?:ist |das ist )?(?:kurz für|die Kurzform von)",
        r"(?:es )?(?:el )?diminutivo de",
        r"(?:est )?(?:le )?diminutif de",
    )
)
"""Between a short name and the long one."""
_GERMAN_NOUN: Final = re.compile(r"^(?:Mein|Meine|Unser|Unsere|Der|Die|Das) \S+ (?=\S)")
"""German capitalises nouns: "Meine Schwester Katharina"."""
_OWN: Final = re.compile(
    r"\b(?i:my nickname is|(?:everybody|everyone|people|my friends|friends) (?:all )?calls? me|"
    r"mein spitzname ist|alle nennen mich|mi apodo es|mon surnom est)"
    rf"\s+[\"“„«']?{_NAME}"
)
"""Before another name of the speaker's."""


def aliases_in(text: str, speaker: str) -> Iterator[Fact]:
    """Yield what `text` states of other names: of whom it names, and of the speaker."""
    for sentence in sentences(text):
        if is_question(sentence) or sentence.startswith((">", "¿", '"', "“", "„", "«")):
            continue
        for pattern in _AFTER:
            for match in pattern.finditer(sentence):
                yield from _fact(match[1], match[2])
        for pattern in _SHORT:
            for match in pattern.finditer(sentence):
                yield from _fact(match[2], match[1])
        for match in _OWN.finditer(sentence):
            yield from _fact(speaker, match[1])


def _fact(name: str, other: str) -> Iterator[Fact]:
    name = _GERMAN_NOUN.sub("", name)
    if not any(word.lower() in NOT_NAMES for word in (*name.split(), *other.split())):
        yield Fact(subject=name, predicate="is also called", object=other)
