"""What must survive word for word: names, numbers, dates, paths, addresses, quotes, denials."""

import re
from dataclasses import dataclass
from typing import Final

from threadkeep.extract.sentences import sentences

LONGEST_QUOTE: Final = 120
LONGEST_CLAUSE: Final = 8
"""Words of a denial that are kept on each side."""
LONGEST_PASSAGE: Final = 400
"""Characters."""
MOST_SENTENCES: Final = 200

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?)"
)
_DAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_EXACT: Final = re.compile(
    r"(?P<address>\b[a-z][a-z+.-]{1,15}://[^\s<>\"”»`]+|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+)"
    rf"|(?P<quote>\"[^\"\n]{{1,{LONGEST_QUOTE}}}\"|“[^”\n]{{1,{LONGEST_QUOTE}}}”"
    rf"|«[^»\n]{{1,{LONGEST_QUOTE}}}»|`[^`\n]{{1,{LONGEST_QUOTE}}}`)"
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
_NO_NAME: Final = frozenset(
    "i i'm i've i'd i'll i’m i’ve i’d i’ll ok okay yes no mr mrs ms dr a an the this that these "
    "those my your our his her their its we you he she it they in on at to of for from with by as "
    "and but or so if when where why how what who which while after before since please let do "
    "did does is are was were have has had can could will would should not never there here".split()
)
_BEFORE, _AFTER = 4, 2
"""Words shown around a literal, so that a number still says what it counts."""


@dataclass(frozen=True)
class Passage:
    """A piece of a sentence as it was written, and the literals in it."""

    text: str
    literals: tuple[str, ...]


def passages(text: str) -> list[Passage]:
    """Return the passages of `text` that a summary might blur, in order, in linear time."""
    return [
        passage
        for sentence in sentences(text)[:MOST_SENTENCES]
        for passage in _passages(sentence[:4_000])
    ]


def _passages(sentence: str) -> list[Passage]:
    words = [(match.start(), match.end()) for match in _WORD.finditer(sentence)]
    found = [*_exact(sentence), *_names(sentence, words)]
    kept: set[int] = set()
    for start, end in found:
        kept.update(_around(words, start, end))
    denials = [(match.start(), match.end()) for match in _DENIAL.finditer(sentence)]
    for start, _ in denials:
        kept.update(_clause(sentence, words, start))
    made = []
    for first, last in _runs(sorted(kept)):
        start, end = words[first][0], words[last][1]
        inside = [sentence[a:b] for a, b in found if start <= a and b <= end]
        inside += [sentence[start:end]] if any(start <= a < end for a, _ in denials) else []
        if inside:
            text = sentence[start:end].strip(" ,;:")[:LONGEST_PASSAGE]
            made.append(Passage(text, tuple(dict.fromkeys(inside))))
    return made


def _exact(sentence: str) -> list[tuple[int, int]]:
    found = []
    for match in _EXACT.finditer(sentence):
        literal = match[0].rstrip(".,:;!?)]'-/") if match.lastgroup != "quote" else match[0]
        if literal:
            found.append((match.start(), match.start() + len(literal)))
    return found


def _names(sentence: str, words: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return runs of capitalised words; alone at the start of a sentence, one is no name."""
    runs: list[list[int]] = []
    for place, (start, end) in enumerate(words):
        match = _NAME.match(sentence, start + (sentence[start] in "(\"'“«["), end)
        if match and match[0].lower() not in _NO_NAME and match[0][0].isupper():
            if runs and runs[-1][2] == place - 1 and not _stops(sentence, words[place - 1]):
                runs[-1][1:] = [match.end(), place]
            else:
                runs.append([match.start(), match.end(), place])
    alone = bool(runs) and runs[0][2] == 0
    return [(start, end) for start, end, _ in (runs[1:] if alone else runs)]


def _stops(sentence: str, word: tuple[int, int]) -> bool:
    return sentence[word[1] - 1] in ",;:.!?)"


def _around(words: list[tuple[int, int]], start: int, end: int) -> range:
    """Return the numbers of the words at `start` to `end`, and of a few around them."""
    inside = [n for n, (a, b) in enumerate(words) if a < end and b > start]
    return range(max(0, inside[0] - _BEFORE), min(len(words), inside[-1] + 1 + _AFTER))


def _clause(sentence: str, words: list[tuple[int, int]], start: int) -> range:
    """Return the numbers of the words of the clause at `start`."""
    at = next(n for n, (a, b) in enumerate(words) if a <= start < b)
    first = last = at
    while first > 0 and at - first < LONGEST_CLAUSE:
        if _CLAUSE_END.search(sentence[slice(*words[first - 1])]):
            break
        first -= 1
    while last < len(words) - 1 and last - at < LONGEST_CLAUSE:
        if _CLAUSE_END.search(sentence[slice(*words[last])]):
            break
        last += 1
    return range(first, last + 1)


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Return first and last of each run of consecutive numbers."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return [(first, last) for first, last in runs]
