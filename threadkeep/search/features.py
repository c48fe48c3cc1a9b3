"""What speaks for each item as an answer to a query, as numbers, before they are weighed.

All but `length`, `told` and `rarest` lie between about -1 and 2. `rows` are rows of a
`MemoryIndex`.
"""

from collections.abc import Mapping

import numpy as np

from threadkeep.search.columns import Selected
from threadkeep.search.evidence import Evidence, date_match, dot

FEATURES = (
    "words",  # BM25 of the text, as a share of the best item's
    "words_before",  # BM25 of the message before it, as a share of what the query could get
    "covered",  # the query's words, weighted by what they tell, in the text or the one before
    "covered_nearby",  # ... or in the second message before, or the two after
    "pairs",  # words that stand side by side in both
    "best_meaning",  # cosine of static word vectors, weighted likewise; share of the best item's
    "meaning_before",
    "meaning_after",
    "meaning_around",  # of the second message before and after
    "vector",  # nearness in the vector index: of unrelated texts 0, of the same text 1
    "vector_before",
    "speaker",  # said by somebody whom the query names
    "subject",  # said by whom the query names first
    "date",  # said on a date that the query names
    "when",  # tells a time, where the query asks for one
    "when_covered",  # ... and the query's words too
    "many",  # tells a number, where the query asks for one
    "day",  # the best match of the day
    "day_covered",  # the query's words that are said anywhere that day
    "question",  # is a question itself
    "answer",  # follows a question
    "opening",  # the first of its thread
    "length",  # log of the number of words
    "told",  # log of what its words tell in all
    "rarest",  # what its most telling word tells
    "named",  # names something
    "number",  # has a number in digits
)


def features(evidence: Evidence, rows: np.ndarray, vectors: Mapping[int, float]) -> np.ndarray:
    """Return what speaks for each row: rows x FEATURES.

    `vectors` is the nearness of what the vector index found, by item number.
    """
    of = evidence.rows.at(rows)
    columns = (
        _words(evidence, rows, of)
        | _meanings(evidence, rows, of, vectors)
        | _times(evidence, rows, of)
        | _forms(evidence, rows, of)
    )
    return np.stack([columns[name].astype(np.float32) for name in FEATURES], axis=1)


def _words(evidence: Evidence, rows: np.ndarray, of: Selected) -> dict[str, np.ndarray]:
    before, after = of["before"], of["after"]
    two_before, two_after = _then(evidence, before, "before"), _then(evidence, after, "after")
    bm25 = evidence.bm25
    return {
        "words": _share(bm25[rows]),
        "words_before": bm25[before],
        "covered": evidence.covered(rows, before),
        "covered_nearby": evidence.covered(rows, before, after, two_before, two_after),
        "pairs": _pairs(evidence, rows),
    }


def _meanings(
    evidence: Evidence, rows: np.ndarray, of: Selected, vectors: Mapping[int, float]
) -> dict[str, np.ndarray]:
    before, after = of["before"], of["after"]
    two_before, two_after = _then(evidence, before, "before"), _then(evidence, after, "after")
    meaning = evidence.meaning
    near = _nearness(evidence, vectors)
    return {
        "best_meaning": _share(meaning[rows]),
        "meaning_before": meaning[before],
        "meaning_after": meaning[after],
        "meaning_around": (meaning[two_before] + meaning[two_after]) / 2,
        "vector": near[rows],
        "vector_before": near[before],
    }


def _times(evidence: Evidence, rows: np.ndarray, of: Selected) -> dict[str, np.ndarray]:
    question = evidence.question
    day, day_covered = _days(evidence)
    when = of["when"] & question.when
    return {
        "date": date_match(evidence, of),
        "when": when,
        "when_covered": when * evidence.covered(rows, of["before"]),
        "many": of["many"] & question.many,
        "day": day[of["day"]],
        "day_covered": day_covered[of["day"]],
    }


def _forms(evidence: Evidence, rows: np.ndarray, of: Selected) -> dict[str, np.ndarray]:
    before = of["before"]
    told, rarest = _told(evidence, rows)
    speakers = evidence.index.speakers
    subject = speakers.get(evidence.question.subject, -1)
    return {
        "speaker": _speakers(evidence)[of["speaker"]],
        "subject": of["speaker"] == subject,
        "question": of["question"],
        "answer": (before >= 0) & evidence.rows["question"][before],
        "opening": before < 0,
        "length": np.log(np.maximum(1, of["length"])),
        "told": np.log1p(told),
        "rarest": rarest,
        "named": of["named"],
        "number": of["number_told"],
    }


def _nearness(evidence: Evidence, vectors: Mapping[int, float]) -> np.ndarray:
    """Return how near each row is by its vector, 0 where it is not among the nearest."""
    index = evidence.index
    found = np.zeros(index.size + 1, dtype=np.float32)
    for number, nearness in vectors.items():
        if number in index.rows_of:
            found[index.rows_of[number]] = nearness
    return found


def _told(evidence: Evidence, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what the words of each row tell in all, and what the most telling one does."""
    every = np.zeros(len(rows), dtype=np.float32)
    rarest = every.copy()
    there = np.flatnonzero(evidence.rows["length"][rows] > 0)
    if len(there):
        stems, begins = evidence.index.stems_of(rows[there])
        told = evidence.rarities[stems]
        every[there] = np.add.reduceat(told, begins)
        rarest[there] = np.maximum.reduceat(told, begins)
    return every, rarest


def _share(found: np.ndarray) -> np.ndarray:
    """Return figures as shares of the best one, -1 to 1; zeros where none is above zero."""
    best = float(found.max(initial=0))
    return np.asarray(np.maximum(-1, found / best) if best > 0 else np.zeros_like(found))


def _then(evidence: Evidence, rows: np.ndarray, neighbour: str) -> np.ndarray:
    """Return the neighbours of rows, -1 for the neighbours of -1."""
    return np.where(rows >= 0, evidence.rows[neighbour][rows], -1)


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
    index, of_row, alive = evidence.index, evidence.rows["day"], evidence.rows["alive"]
    matches = evidence.bm25[:-1] + 0.5 * evidence.bm25[evidence.rows["before"]]
    matches[of_row == 0] = 0
    best = np.zeros(len(index.days), dtype=np.float32)
    np.maximum.at(best, of_row, matches)
    said = np.zeros((len(evidence.rarity), len(index.days)), dtype=bool)
    for place, (rows, _) in enumerate(evidence.postings):
        said[place, of_row[rows[alive[rows]]]] = True
    said[:, 0] = False
    return best, dot(evidence.rarity / evidence.total, said)
