"""What speaks for each item as an answer to a query, as numbers, before they are weighed.

BM25 after Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009). All features
but `length` lie between about -1 and 1. `rows` are rows of a `MemoryIndex`.
"""

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from stores.memory_index import MemoryIndex
from stores.questions import Question
from stores.vocabulary import DIMENSIONS, vector_of
from stores.words import stem

K1, B = 1.2, 0.75
CANDIDATES = 500

FEATURES = (
    "words",  # BM25 of the text, as a share of the best item's
    "words_before",  # BM25 of the message before it, as a share of what the query could get
    "covered",  # the query's words, weighted by rarity, in the text or in the message before
    "covered_nearby",  # ... or in the second message before, or the two after
    "names",  # the query's names that are in the text
    "pairs",  # words that stand side by side in both
    "meaning",  # cosine of static word vectors, weighted by rarity
    "best_meaning",  # the same, as a share of the best item's
    "meaning_before",
    "meaning_after",
    "meaning_around",  # of the second message before and after
    "vector",  # cosine in the vector index
    "speaker",  # said by somebody whom the query names
    "date",  # said on a date that the query names
    "when",  # tells a time, where the query asks for one
    "many",  # tells a number, where the query asks for one
    "day",  # the best match of the day
    "day_covered",  # the query's words that are said anywhere that day
    "question",  # is a question itself
    "length",  # log of the number of words
)


class Evidence:
    """The words of one query in one index: what all features are made of."""

    def __init__(self, index: MemoryIndex, question: Question) -> None:
        self.index, self.question = index, question
        self.rows = index.rows
        alive = self.rows["alive"]
        words = float(self.rows["length"][alive].sum())
        self.average = max(1.0, words / max(1, index.alive))
        known = [index.vocabulary.known(word) for word in question.words]
        self.stems = np.array(known, dtype=np.int64)
        postings = [index.posting(each) for each in self.stems]
        self.rarity = index.rarities(self.stems)
        # One row more than there are items: index -1, "no such neighbour", finds nothing there.
        self.scores = np.zeros((len(postings), index.size + 1), dtype=np.float32)
        for place, (rows, counts) in enumerate(postings):
            length = 1 - B + B * self.rows["length"][rows] / self.average
            self.scores[place, rows] = alive[rows] * counts / (counts + K1 * length)
        self.total = max(1e-6, float(self.rarity.sum()))
        self.bm25 = dot(self.rarity / self.total, self.scores)

    @cached_property
    def meaning(self) -> np.ndarray:
        """Cosines of query and items, each the sum of its words' vectors weighted by rarity.

        One for every row, 0 for dead ones, and one more for -1.
        """
        index = self.index
        asked = np.zeros(DIMENSIONS, dtype=np.float32)
        for word, rarity in zip(self.question.words, self.rarity, strict=True):
            asked += rarity * vector_of(word)
        length = float(np.linalg.norm(asked))
        found = np.zeros(index.size + 1, dtype=np.float32)
        rows = np.flatnonzero(self.rows["length"] > 0)
        if length and len(rows):
            every = np.arange(len(index.vocabulary))
            near = index.rarities(every) * dot(asked / length, index.vocabulary.vectors().T)
            # Rows lie one after the other in `tokens`: the sum of each begins where it does.
            sums = np.add.reduceat(near[index.tokens], self.rows["start"][rows])
            found[rows] = self.rows["alive"][rows] * sums / index.norms(rows)
        return np.clip(found, -1, 1)

    def covered(self, *rows: np.ndarray) -> np.ndarray:
        """Return the share of the query, by rarity, that is in any of the rows side by side."""
        hits = [self.scores[:, each] > 0 for each in rows]
        return dot(self.rarity / self.total, np.logical_or.reduce(hits))


def dot(weights: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return weights @ columns, on one thread: BLAS starts more and lets them spin for nothing."""
    return np.asarray(np.einsum("i,ij->j", weights, columns), dtype=np.float32)


def candidates(evidence: Evidence, allowed: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Return the rows worth a closer look: all that may be found, or the most promising of many.

    `allowed` says for every row whether it may be found; `near` are rows near by meaning.
    """
    found = np.flatnonzero(allowed)
    if len(found) <= CANDIDATES:
        return found
    bm25, rows, dates = evidence.bm25, evidence.rows, evidence.question.dates
    first = bm25[:-1] + 0.5 * bm25[rows["before"]] + 0.25 * bm25[rows["after"]]
    first = first + evidence.meaning[:-1]
    if dates.years or dates.months:
        first = first + np.maximum(0, date_match(evidence, slice(None)))
    found = found[np.argpartition(first[found], -CANDIDATES)[-CANDIDATES:]]
    return _once(evidence.index.size, found, near[allowed[near]])


def features(evidence: Evidence, rows: np.ndarray, vectors: Mapping[int, float]) -> np.ndarray:
    """Return what speaks for each row: rows x FEATURES. `vectors` are cosines by item number."""
    question, bm25 = evidence.question, evidence.bm25
    of = evidence.rows[rows]
    before, after = of["before"], of["after"]
    two_before, two_after = _then(evidence, before, "before"), _then(evidence, after, "after")
    meaning = evidence.meaning
    day, day_covered = _days(evidence)
    columns = {
        "words": _share(bm25[rows]),
        "words_before": bm25[before],
        "covered": evidence.covered(rows, before),
        "covered_nearby": evidence.covered(rows, before, after, two_before, two_after),
        "names": _names(evidence, rows),
        "pairs": _pairs(evidence, rows),
        "meaning": meaning[rows],
        "best_meaning": _share(meaning[rows]),
        "meaning_before": meaning[before],
        "meaning_after": meaning[after],
        "meaning_around": (meaning[two_before] + meaning[two_after]) / 2,
        "vector": _cosines(evidence, vectors)[rows],
        "speaker": _speakers(evidence)[of["speaker"]],
        "date": date_match(evidence, rows),
        "when": of["when"] & question.when,
        "many": of["many"] & question.many,
        "day": day[of["day"]],
        "day_covered": day_covered[of["day"]],
        "question": of["question"],
        "length": np.log(np.maximum(1, of["length"])),
    }
    return np.stack([columns[name].astype(np.float32) for name in FEATURES], axis=1)


def date_match(evidence: Evidence, rows: "np.ndarray | slice") -> np.ndarray:
    """Return how well each row's day fits the dates that the query names: -0.2 to 1."""
    of, dates = evidence.rows[rows], evidence.question.dates
    fits = np.zeros(len(of), dtype=np.float32)
    if dates.months:
        in_month = np.isin(of["month"], list(dates.months))
        # People speak of a day on that day or soon after.
        soon = np.zeros(len(of), dtype=bool)
        for day in dates.days:
            soon |= (of["of_month"] >= day) & (of["of_month"] <= day + 3)
        fits += np.where(in_month, 0.45 + 0.45 * soon, 0)
    if dates.years:
        fits += np.where(np.isin(of["year"], list(dates.years)), 0.1, -0.2)
    return np.asarray(np.where(of["day"] > 0, fits, 0))


def _cosines(evidence: Evidence, vectors: Mapping[int, float]) -> np.ndarray:
    """Return the cosine of each row; those not among the nearest get that of the last of these."""
    index = evidence.index
    found = np.full(index.size, min(vectors.values(), default=0.0), dtype=np.float32)
    for number, cosine in vectors.items():
        if number in index.rows_of:
            found[index.rows_of[number]] = cosine
    return found


def _once(size: int, *rows: np.ndarray) -> np.ndarray:
    """Return every row once, in order, without -1."""
    there = np.zeros(size + 1, dtype=bool)
    for each in rows:
        there[each] = True
    return np.flatnonzero(there[:-1])


def _share(found: np.ndarray) -> np.ndarray:
    """Return figures as shares of the best one, -1 to 1; zeros where none is above zero."""
    best = float(found.max(initial=0))
    return np.asarray(np.maximum(-1, found / best) if best > 0 else np.zeros_like(found))


def _then(evidence: Evidence, rows: np.ndarray, neighbour: str) -> np.ndarray:
    """Return the neighbours of rows, -1 for the neighbours of -1."""
    return np.where(rows >= 0, evidence.rows[neighbour][rows], -1)


def _names(evidence: Evidence, rows: np.ndarray) -> np.ndarray:
    named = [stem(word) in evidence.question.names for word in evidence.question.words]
    weights = evidence.rarity * np.array(named, dtype=np.float32) / evidence.total
    return dot(weights, evidence.scores[:, rows] > 0)


def _pairs(evidence: Evidence, rows: np.ndarray) -> np.ndarray:
    """Return how many of the query's pairs of words stand side by side, at most two, halved."""
    index = evidence.index
    known = (tuple(map(index.vocabulary.known, pair)) for pair in evidence.question.pairs)
    wanted = [pair for pair in known if min(pair) >= 0]
    if not wanted or not len(rows):
        return np.zeros(len(rows), dtype=np.float32)
    stems, _ = index.stems_of(rows)
    of = np.repeat(np.arange(len(rows)), evidence.rows["length"][rows])
    together = of[:-1] == of[1:]
    found = np.zeros(len(rows), dtype=np.float32)
    for first, second in wanted:
        side_by_side = (stems[:-1] == first) & (stems[1:] == second) & together
        found += np.bincount(of[:-1][side_by_side], minlength=len(rows)) > 0
    return np.asarray(np.minimum(found, 2) / 2)


def _speakers(evidence: Evidence) -> np.ndarray:
    """Return for each speaker whether the query names them."""
    return np.array(
        [name in evidence.question.speakers for name in evidence.index.speakers], dtype=np.float32
    )


def _days(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """Return for each day its best match, and how much of the query is said on it."""
    index, of_row = evidence.index, evidence.rows["day"]
    matches = evidence.bm25[:-1] + 0.5 * evidence.bm25[evidence.rows["before"]]
    matches[of_row == 0] = 0
    best = np.zeros(len(index.days), dtype=np.float32)
    np.maximum.at(best, of_row, matches)
    said = np.zeros((len(evidence.rarity), len(index.days)), dtype=bool)
    for place, scores in enumerate(evidence.scores):
        said[place, of_row[np.flatnonzero(scores[:-1])]] = True
    said[:, 0] = False
    return best, dot(evidence.rarity / evidence.total, said)
