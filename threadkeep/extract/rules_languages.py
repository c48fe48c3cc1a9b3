"""What German, Spanish and French sentences state of a closed class: name, home, work, kin."""

import re
from collections.abc import Iterator
from typing import Final

from threadkeep.extract.extraction import Fact, Status
from threadkeep.extract.sentences import is_question, sentences

_NAME = r"([^\W\d_a-zäöüßáéíóúñàâçèêëîïôûœ][\w'’.-]*(?: [^\W\d_a-zß][\w'’.-]*){0,3})"
_PHRASE = r"([^.,;:!?()]{2,60}?)"
_END = r"(?=\s*(?:[.,;:!?()]|$| (?:und|y|et|aber|pero|mais|seit|desde|depuis)\b))"
_SINCE: Final = re.compile(r"\b(?:seit|desde|depuis)\s+((?:19|20)\d{2})\b", re.IGNORECASE)
_KIN_WORDS: Final = """
mother mutter madre mère
father vater padre père
sister schwester hermana sœur soeur
brother bruder hermano frère
wife frau mujer esposa femme
husband mann marido esposo mari
daughter tochter hija fille
son sohn hijo fils
girlfriend freundin novia copine
dog hund perro chien
cat katze gato chat
boss chef chefin jefe jefa patron patronne
"""
_KIN: Final = {
    word: english
    for english, *words in map(str.split, _KIN_WORDS.strip().splitlines())
    for word in words
}
_RULES: Final[tuple[tuple[str, str, str, str], ...]] = (
    # predicate, wording, object, and "-" where it holds no longer or "planned"
    ("lives in", r"ich (?:wohne|lebe)(?: jetzt| inzwischen)? in", _NAME, ""),
    ("lives in", r"ich (?:wohne|lebe) nicht mehr in", _NAME, "-"),
    ("moved to", r"ich bin (?:\w+ ){0,3}?nach", _NAME + r" (?:um)?gezogen", ""),
    ("moved to", r"ich ziehe (?:[\w.]+ ){0,4}?nach", _NAME, "planned"),
    ("works at", r"ich arbeite(?: jetzt)? (?:bei|für)(?: der| dem| den)?", _NAME, ""),
    ("works at", r"ich arbeite nicht mehr (?:bei|für)(?: der| dem| den)?", _NAME, "-"),
    ("works as", r"ich arbeite(?: jetzt)? als(?: eine?)?", _NAME, ""),
    ("is named", r"(?:ich heiße|mein name ist)", _NAME, ""),
    ("is allergic to", r"ich bin allergisch (?:gegen|auf)", _PHRASE, ""),
    ("lives in", r"(?<!no )\bvivo(?: ahora)? en", _NAME, ""),
    ("lives in", r"ya no vivo en", _NAME, "-"),
    ("moved to", r"me (?:mudé|he mudado) a", _NAME, ""),
    ("moved to", r"me (?:mudaré|voy a mudar) a", _NAME, "planned"),
    ("works at", r"(?<!no )\btrabajo(?: ahora)? (?:en|para)(?: una?| el| la)?", _PHRASE, ""),
    ("works at", r"ya no trabajo (?:en|para)(?: una?| el| la)?", _PHRASE, "-"),
    ("works as", r"trabajo(?: ahora)? (?:como|de)", _PHRASE, ""),
    ("is named", r"(?:me llamo|mi nombre es)", _NAME, ""),
    ("is allergic to", r"soy alérgic[oa] a(?:l| la| los| las)?", _PHRASE, ""),
    ("lives in", r"(?:j['’]habite|je vis)(?: maintenant)? (?:à|en|au)", _NAME, ""),
    ("lives in", r"je n['’]habite plus (?:à|en|au)", _NAME, "-"),
    ("moved to", r"j['’]ai déménagé (?:à|en|au)", _NAME, ""),
    ("moved to", r"je (?:déménagerai|vais déménager) (?:à|en|au)", _NAME, "planned"),
    ("works at", r"je travaille(?: maintenant)? (?:chez|pour)", _NAME, ""),
    ("works at", r"je ne travaille plus (?:chez|pour)", _NAME, "-"),
    ("works as", r"je travaille comme", _PHRASE, ""),
    ("is named", r"(?:je m['’]appelle|mon nom est)", _NAME, ""),
    ("is allergic to", r"je suis allergique (?:aux?|à la|à l['’]|à)", _PHRASE, ""),
)
_PATTERNS: Final = [
    (predicate, re.compile(rf"(?:^|[\s,;:¡(])(?i:{wording})\s+{object_}{_END}"), mark)
    for predicate, wording, object_, mark in _RULES
]
_KIN_PATTERN: Final = re.compile(
    rf"(?:^|[\s,;:])(?i:mein|meine|mi|mon|ma)\s+(\w+)\s+(?i:heißt|se llama|s['’]appelle)\s+{_NAME}"
)


def facts_in_languages(text: str, speaker: str) -> Iterator[Fact]:
    """Yield what German, Spanish and French statements of `text` say about the speaker."""
    for sentence in sentences(text):
        if is_question(sentence) or sentence.startswith((">", "¿", '"', "“", "„", "«")):
            continue
        since = _SINCE.search(sentence)
        for predicate, pattern, mark in _PATTERNS:
            for match in pattern.finditer(sentence):
                status: Status = "planned" if mark == "planned" else "asserted"
                yield Fact(
                    subject=speaker,
                    predicate=predicate,
                    object=match[1].strip(" ."),
                    valid_from=since[1] if since else None,
                    negated=mark == "-",
                    status=status,
                )
        for match in _KIN_PATTERN.finditer(sentence):
            if relation := _KIN.get(match[1].lower()):
                yield Fact(subject=speaker, predicate=relation, object=match[2].strip(" ."))
