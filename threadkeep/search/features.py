"""The features of each row as an answer to a query, before ranking weighs them.

All but `length`, `total_weight` and `max_weight` lie between about -1 and 2.
"""

from collections.abc import Mapping

import numpy as np

from threadkeep.search.columns import SelectedRows
from threadkeep.search.evidence import Evidence, date_match, dot

FEATURES = (
    "words",  # BM25 of the text, relative to the best row
    "words_before",  # BM25 of the previous message
    "coverage",  # weighted share of the query's terms in the text or the previous message
    "coverage_nearby",  # the same for two messages before to two after
    "pairs",  # word pairs of the query that occur in the text
    "similarity",  # cosine of static vectors, relative to the best row
    "similarity_before",  # cosine of the previous message
    "similarity_after",  # of the next message
    "similarity_around",  # average of the second message before and the second after
    "vector",  # similarity in the vector index: 0 for unrelated texts, 1 for equal ones
    "vector_before",
    "speaker",  # the query mentions the speaker
    "subject",  # the query mentions the speaker first
    "date",  # the query mentions the date
    "time",  # the query asks for a time, and the text mentions one
    "time_coverage",  # the same times coverage
    "quantity",  # the query asks for a quantity, and the text mentions one
    "day",  # the best match of the same day
    "day_coverage",  # weighted share of the query's terms on the same day
    "question",  # the text is a question
    "answer",  # the previous message is a question
    "opening",  # there is no previous message
    "length",  # log of the number of words
    "total_weight",  # log of the sum of the term weights
    "max_weight",  # the highest term weight
    "proper_name",  # the text has a proper name
    "digits",  # the text has a number in digits
)
MAX_PAIRS = 2


def features(
    evidence: Evidence, rows: np.ndarray, vector_scores: Mapping[int, float]
) -> np.ndarray:
    """Return the features of rows of the index: rows x FEATURES.

    `vector_scores` are similarities from the vector index by item number.
    """
    selected = evidence.rows.select(rows)
    columns = (
        _word_features(evidence, rows, selected)
        | _similarity_features(evidence, rows, selected, vector_scores)
        | _time_features(evidence, rows, selected)
        | _form_features(evidence, rows, selected)
    )
    return np.stack([columns[name].astype(np.float32) for name in FEATURES], axis=1)


def _word_features(
    evidence: Evidence, rows: np.ndarray, selected: SelectedRows
) -> dict[str, np.ndarray]:
    before, after = selected["before"], selected["after"]
    two_before = _neighbours(evidence, before, "before")
    two_after = _neighbours(evidence, after, "after")
    bm25 = evidence.bm25
    return {
        "words": _relative_to_best(bm25[rows]),
        "words_before": bm25[before],
        "coverage": evidence.coverage(rows, before),
        "coverage_nearby": evidence.coverage(rows, before, after, two_before, two_after),
        "pairs": _pairs(evidence, rows),
    }


def _similarity_features(
    evidence: Evidence,
    rows: np.ndarray,
    selected: SelectedRows,
    vector_scores: Mapping[int, float],
) -> dict[str, np.ndarray]:
    before, after = selected["before"], selected["after"]
    two_before = _neighbours(evidence, before, "before")
    two_after = _neighbours(evidence, after, "after")
    similarity = evidence.similarity
    vector = _by_row(evidence, vector_scores)
    return {
        "similarity": _relative_to_best(similarity[rows]),
        "similarity_before": similarity[before],
        "similarity_after": similarity[after],
        "similarity_around": (similarity[two_before] + similarity[two_after]) / 2,
        "vector": vector[rows],
        "vector_before": vector[before],
    }


def _time_features(
    evidence: Evidence, rows: np.ndarray, selected: SelectedRows
) -> dict[str, np.ndarray]:
    question = evidence.question
    best, coverage = _by_day(evidence)
    time = selected["mentions_time"] & question.asks_time
    return {
        "date": date_match(evidence, selected),
        "time": time,
        "time_coverage": time * evidence.coverage(rows, selected["before"]),
        "quantity": selected["mentions_quantity"] & question.asks_quantity,
        "day": best[selected["day"]],
        "day_coverage": coverage[selected["day"]],
    }


def _form_features(
    evidence: Evidence, rows: np.ndarray, selected: SelectedRows
) -> dict[str, np.ndarray]:
    before = selected["before"]
    total_weight, max_weight = _term_weights(evidence, rows)
    subject = evidence.index.speakers.get(evidence.question.subject, -1)
    return {
        "speaker": _mentioned(evidence)[selected["speaker"]],
        "subject": selected["speaker"] == subject,
        "question": selected["is_question"],
        "answer": (before >= 0) & evidence.rows["is_question"][before],
        "opening": before < 0,
        "length": np.log(np.maximum(1, selected["length"])),
        "total_weight": np.log1p(total_weight),
        "max_weight": max_weight,
        "proper_name": selected["has_proper_name"],
        "digits": selected["has_digits"],
    }


def _by_row(evidence: Evidence, vector_scores: Mapping[int, float]) -> np.ndarray:
    """Return similarities from the vector index by row, 0 for rows that it did not return."""
    index = evidence.index
    scores = np.zeros(index.size + 1, dtype=np.float32)
    for number, score in vector_scores.items():
        if number in index.row_of:
            scores[index.row_of[number]] = score
    return scores


def _term_weights(evidence: Evidence, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum and the maximum of the term weights of each row."""
    total = np.zeros(len(rows), dtype=np.float32)
    highest = total.copy()
    nonempty = np.flatnonzero(evidence.rows["length"][rows] > 0)
    if len(nonempty):
        stem_ids, offsets = evidence.index.stems_of(rows[nonempty])
        weights = evidence.stem_weights[stem_ids]
        total[nonempty] = np.add.reduceat(weights, offsets)
        highest[nonempty] = np.maximum.reduceat(weights, offsets)
    return total, highest


def _relative_to_best(scores: np.ndarray) -> np.ndarray:
    """Return scores divided by the highest one, at least -1; zeros if none is above zero."""
    best = float(scores.max(initial=0))
    return np.asarray(np.maximum(-1, scores / best) if best > 0 else np.zeros_like(scores))


def _neighbours(evidence: Evidence, rows: np.ndarray, direction: str) -> np.ndarray:
    """Return the row before or after each row; -1 for -1."""
    return np.where(rows >= 0, evidence.rows[direction][rows], -1)


def _pairs(evidence: Evidence, rows: np.ndarray) -> np.ndarray:
    """Return how many word pairs of the query each row contains, as a share of `MAX_PAIRS`."""
    index = evidence.index
    pairs = [tuple(map(index.vocabulary.lookup, pair)) for pair in evidence.question.pairs]
    pairs = [pair for pair in pairs if min(pair) >= 0]
    counts = np.zeros(len(rows), dtype=np.float32)
    if not pairs or not len(rows):
        return counts
    stem_ids, _ = index.stems_of(rows)
    row_of_token = np.repeat(np.arange(len(rows)), evidence.rows["length"][rows])
    same_row = row_of_token[:-1] == row_of_token[1:]
    for first, second in pairs:
        matches = (stem_ids[:-1] == first) & (stem_ids[1:] == second) & same_row
        counts += np.bincount(row_of_token[:-1][matches], minlength=len(rows)) > 0
    return np.asarray(np.minimum(counts, MAX_PAIRS) / MAX_PAIRS)


def _mentioned(evidence: Evidence) -> np.ndarray:
    """Return for each speaker whether the query mentions them."""
    mentioned = evidence.question.speakers
    return np.array([name in mentioned for name in evidence.index.speakers], dtype=np.float32)


def _by_day(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """Return for each day its best match, and the weighted share of the query's terms on it."""
    index, days, alive = evidence.index, evidence.rows["day"], evidence.rows["alive"]
    matches = evidence.bm25[:-1] + 0.5 * evidence.bm25[evidence.rows["before"]]
    matches[days == 0] = 0
    best = np.zeros(len(index.days), dtype=np.float32)
    np.maximum.at(best, days, matches)
    terms = np.zeros((len(evidence.postings), len(index.days)), dtype=bool)
    for term, (rows, _) in enumerate(evidence.postings):
        terms[term, days[rows[alive[rows]]]] = True
    terms[:, 0] = False
    return best, dot(evidence.term_shares, terms)
