"""Find literals, which a summary must keep: names, numbers, dates, paths, quotes, denials."""

import re
from dataclasses import dataclass
from typing import Final

from threadkeep.extract.sentences import sentences

MAX_QUOTE: Final = 120
MAX_CLAUSE: Final = 8
"""Words of a denial on each side of its "not"."""
MAX_PASSAGE: Final = 400
"""Characters."""
MAX_SENTENCES: Final = 200
MAX_SENTENCE: Final = 4_000
"""Characters."""

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?)"
)
_DAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_LITERAL: Final = re.compile(
    r"(?P<address>\b[a-z][a-z+.-]{1,15}://[^\s<>\"”»`]+|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+)"
    rf"|(?P<quote>\"[^\"\n]{{1,{MAX_QUOTE}}}\"|“[^”\n]{{1,{MAX_QUOTE}}}”"
    rf"|«[^»\n]{{1,{MAX_QUOTE}}}»|`[^`\n]{{1,{MAX_QUOTE}}}`)"
    r"|(?P<path>(?<![\w/])(?:[A-Za-z]:\\|~?/|\.{1,2}/)[\w.@+~\\/-]{1,200}"
    r"|(?<![\w/])[\w.-]{1,60}(?:/[\w.-]{1,60}){1,12}|\b[\w-]{1,60}\.[a-z][a-z0-9]{1,4}\b)"
    rf"|(?P<date>\b\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH}(?: \d{{4}})?"
    rf"|\b{_MONTH} \d{{1,4}}(?:st|nd|rd|th)?(?:,? \d{{4}})?|\b(?:{_MONTH}|{_DAY})(?!\w))"
    r"|(?P<number>[€$£¥#+-]?\w{0,40}\d[\w.,:%°/-]{0,60})"
)
_NAME: Final = re.compile(r"[^\W\d_a-z][\w'’-]{0,60}")
_DENIAL: Final = re.compile(
    r"\b(?:not|never|no|neither|nor|without|cannot"
    r"|(?:is|are|was|were|do|does|did|has|have|had|wo|ca|could|would|should|must)n['’]t)\b",
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"\S+")
_CLAUSE_END: Final = re.compile(r"[,;:—]$")
_NOT_NAMES: Final = frozenset(
    "i i'm i've i'd i'll i’m i’ve i’d i’ll ok okay yes no mr mrs ms dr a an the this that these "
    "those my your our his her their its we you he she it they in on at to of for from with by as "
    "and but or so if when where why how what who which while after before since please let do "
    "did does is are was were have has had can could will would should not never there here".split()
)
_WORDS_BEFORE, _WORDS_AFTER = 4, 2
"""Words around a literal, so that it is clear what a number counts."""


Span = tuple[int, int]


@dataclass(frozen=True)
class Passage:
    """An unchanged part of a sentence, and the literals in it."""

    text: str
    literals: tuple[str, ...]


def passages(text: str) -> list[Passage]:
    """Return the parts of `text` that hold literals, in order; takes linear time."""
    return [
        passage
        for sentence in sentences(text)[:MAX_SENTENCES]
        for passage in _passages(sentence[:MAX_SENTENCE])
    ]


def _passages(sentence: str) -> list[Passage]:
    words = [match.span() for match in _WORD.finditer(sentence)]
    literals = [*_literals(sentence), *_names(sentence, words)]
    denials = [match.start() for match in _DENIAL.finditer(sentence)]
    indexes: set[int] = set()
    for start, end in literals:
        indexes.update(_around(words, start, end))
    for start in denials:
        indexes.update(_clause(sentence, words, start))
    result = []
    for first, last in _runs(sorted(indexes)):
        start, end = words[first][0], words[last][1]
        texts = [sentence[a:b] for a, b in literals if start <= a and b <= end]
        if any(start <= denial < end for denial in denials):
            texts.append(sentence[start:end])
        if texts:
            text = sentence[start:end].strip(" ,;:")[:MAX_PASSAGE]
            result.append(Passage(text, tuple(dict.fromkeys(texts))))
    return result


def _literals(sentence: str) -> list[Span]:
    spans = []
    for match in _LITERAL.finditer(sentence):
        literal = match[0].rstrip(".,:;!?)]'-/") if match.lastgroup != "quote" else match[0]
        if literal:
            spans.append((match.start(), match.start() + len(literal)))
    return spans


def _names(sentence: str, words: list[Span]) -> list[Span]:
    """Return runs of capitalised words; a run at the start of a sentence is no name."""
    runs: list[list[int]] = []
    for index, (start, end) in enumerate(words):
        match = _NAME.match(sentence, start + (sentence[start] in "(\"'“«["), end)
        if match and match[0].lower() not in _NOT_NAMES and match[0][0].isupper():
            follows = bool(runs) and runs[-1][2] == index - 1
            if follows and not _ends_phrase(sentence, words[index - 1]):
                runs[-1][1:] = [match.end(), index]
            else:
                runs.append([match.start(), match.end(), index])
    starts_sentence = bool(runs) and runs[0][2] == 0
    return [(start, end) for start, end, _ in (runs[1:] if starts_sentence else runs)]


def _ends_phrase(sentence: str, word: Span) -> bool:
    return sentence[word[1] - 1] in ",;:.!?)"


def _around(words: list[Span], start: int, end: int) -> range:
    """Return the indexes of the words from `start` to `end`, and of a few around them."""
    inside = [index for index, (a, b) in enumerate(words) if a < end and b > start]
    return range(max(0, inside[0] - _WORDS_BEFORE), min(len(words), inside[-1] + 1 + _WORDS_AFTER))


def _clause(sentence: str, words: list[Span], start: int) -> range:
    """Return the indexes of the words of the clause around `start`."""
    center = next(index for index, (a, b) in enumerate(words) if a <= start < b)
    first = last = center
    while first > 0 and center - first < MAX_CLAUSE:
        if _CLAUSE_END.search(sentence[slice(*words[first - 1])]):
            break
        first -= 1
    while last < len(words) - 1 and last - center < MAX_CLAUSE:
        if _CLAUSE_END.search(sentence[slice(*words[last])]):
            break
        last += 1
    return range(first, last + 1)


def _runs(indexes: list[int]) -> list[Span]:
    """Return first and last of each run of consecutive indexes."""
    runs: list[list[int]] = []
    for index in indexes:
        if runs and runs[-1][1] == index - 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return [(first, last) for first, last in runs]
