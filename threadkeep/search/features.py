"""The features of each row as an answer to a query, before ranking weighs them.

All but `length`, `total_weight` and `max_weight` lie between about -1 and 2. A row matches by its
best passage. What people say beside it is context; beside an assistant only its answer is.
"""

from collections.abc import Mapping

import numpy as np

from threadkeep.search.columns import SelectedRows
from threadkeep.search.evidence import Evidence, date_match, dot
from threadkeep.search.questions import ASSISTANT, USER

FEATURES = (
    "words",  # BM25 of the text, relative to the best row
    "words_before",  # BM25 of the previous message
    "coverage_nearby",  # share of the query's terms in two messages before to two after
    "pairs",  # word pairs of the query that occur in the text
    "reply_words",  # BM25 of the message that an assistant replies to
    "answer_words",  # BM25 of the assistant's reply to the user
    "similarity",  # cosine of static vectors, relative to the best row
    "similarity_around",  # average of the second message before and the second after
    "answer_similarity",  # of the assistant's reply to the user
    "vector",  # similarity in the vector index: 0 for unrelated texts, 1 for equal ones
    "vector_before",
    "speaker",  # the query mentions the speaker
    "subject",  # the query mentions the speaker first
    "assistant",  # an assistant speaks
    "assistant_asked",  # the same, and the query asks what the assistant said
    "date",  # the query mentions the date
    "time",  # the query asks for a time, and the text mentions one
    "time_coverage",  # the same times coverage
    "quantity",  # the query asks for a quantity, and the text mentions one
    "day",  # the best match of the same day
    "day_coverage",  # weighted share of the query's terms on the same day
    "has_question",  # the text has a question
    "question",  # the text is a question and states nothing
    "answer",  # the previous message has a question
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
    passages = evidence.best_passages[rows]
    columns = (
        _match_features(evidence, passages, selected, vector_scores, rows)
        | _speaker_features(evidence, selected)
        | _time_features(evidence, passages, selected)
        | _form_features(evidence, passages, selected)
    )
    return np.stack([columns[name].astype(np.float32) for name in FEATURES], axis=1)


def _match_features(
    evidence: Evidence,
    passages: np.ndarray,
    selected: SelectedRows,
    vector_scores: Mapping[int, float],
    rows: np.ndarray,
) -> dict[str, np.ndarray]:
    before, after, two_before, two_after = _people_beside(evidence, selected)
    reply_to, reply = _assistant_beside(evidence, selected)
    bm25, similarity = evidence.bm25, evidence.similarity
    vector = _by_row(evidence, vector_scores)
    return {
        "words": _relative_to_best(evidence.passage_bm25[passages]),
        "words_before": bm25[before],
        "coverage_nearby": evidence.coverage(passages, before, after, two_before, two_after),
        "pairs": _pairs(evidence, passages),
        "reply_words": bm25[reply_to],
        "answer_words": bm25[reply],
        "similarity": _relative_to_best(evidence.passage_similarity[passages]),
        "similarity_around": (similarity[two_before] + similarity[two_after]) / 2,
        "answer_similarity": similarity[reply],
        "vector": vector[rows],
        "vector_before": vector[before],
    }


def _speaker_features(evidence: Evidence, selected: SelectedRows) -> dict[str, np.ndarray]:
    question, speakers = evidence.question, evidence.index.speakers
    is_mentioned = np.array([name in question.speakers for name in speakers], dtype=np.float32)
    assistant = selected["role"] == ASSISTANT
    return {
        "speaker": is_mentioned[selected["speaker"]],
        "subject": selected["speaker"] == speakers.get(question.subject, -1),
        "assistant": assistant,
        "assistant_asked": assistant & question.asks_assistant,
    }


def _time_features(
    evidence: Evidence, passages: np.ndarray, selected: SelectedRows
) -> dict[str, np.ndarray]:
    question = evidence.question
    best, coverage = _by_day(evidence)
    time = selected["mentions_time"] & question.asks_time
    before, *_ = _people_beside(evidence, selected)
    return {
        "date": date_match(evidence, selected),
        "time": time,
        "time_coverage": time * evidence.coverage(passages, before),
        "quantity": selected["mentions_quantity"] & question.asks_quantity,
        "day": best[selected["day"]],
        "day_coverage": coverage[selected["day"]],
    }


def _form_features(
    evidence: Evidence, passages: np.ndarray, selected: SelectedRows
) -> dict[str, np.ndarray]:
    before = selected["before"]
    total_weight, max_weight = _term_weights(evidence, passages)
    return {
        "has_question": selected["has_question"],
        "question": selected["is_question"],
        "answer": (before >= 0) & evidence.rows["has_question"][before],
        "opening": before < 0,
        "length": np.log(np.maximum(1, evidence.passages["length"][passages])),
        "total_weight": np.log1p(total_weight),
        "max_weight": max_weight,
        "proper_name": selected["has_proper_name"],
        "digits": selected["has_digits"],
    }


def _people_beside(evidence: Evidence, selected: SelectedRows) -> list[np.ndarray]:
    """Return the rows one before and after each, and two; -1 where an assistant speaks too."""
    roles = np.append(evidence.rows["role"], -1)
    before, after = selected["before"], selected["after"]
    two_before = _neighbours(evidence, before, "before")
    two_after = _neighbours(evidence, after, "after")
    with_assistant = np.logical_or.reduce(
        [selected["role"] == ASSISTANT, roles[before] == ASSISTANT, roles[after] == ASSISTANT]
    )
    return [np.where(with_assistant, -1, rows) for rows in (before, after, two_before, two_after)]


def _assistant_beside(evidence: Evidence, selected: SelectedRows) -> tuple[np.ndarray, np.ndarray]:
    """Return the row that each reply of an assistant is to, and the reply to each user's row."""
    roles = np.append(evidence.rows["role"], -1)
    reply_to = np.where(selected["role"] == ASSISTANT, selected["before"], -1)
    has_reply = (selected["role"] == USER) & (roles[selected["after"]] == ASSISTANT)
    return reply_to, np.where(has_reply, selected["after"], -1)


def _by_row(evidence: Evidence, vector_scores: Mapping[int, float]) -> np.ndarray:
    """Return similarities from the vector index by row, 0 for rows that it did not return."""
    index = evidence.index
    scores = np.zeros(index.size + 1, dtype=np.float32)
    for number, score in vector_scores.items():
        if number in index.row_of:
            scores[index.row_of[number]] = score
    return scores


def _term_weights(evidence: Evidence, passages: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum and the maximum of the term weights of each passage."""
    total = np.zeros(len(passages), dtype=np.float32)
    highest = total.copy()
    nonempty = np.flatnonzero(evidence.passages["length"][passages] > 0)
    if len(nonempty):
        stem_ids, offsets = evidence.index.passages.stems_of(passages[nonempty])
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


def _pairs(evidence: Evidence, passages: np.ndarray) -> np.ndarray:
    """Return how many word pairs of the query each passage has, as a share of `MAX_PAIRS`."""
    index = evidence.index.passages
    pairs = [tuple(map(index.vocabulary.lookup, pair)) for pair in evidence.question.pairs]
    pairs = [pair for pair in pairs if min(pair) >= 0]
    counts = np.zeros(len(passages), dtype=np.float32)
    if not pairs or not len(passages):
        return counts
    stem_ids, _ = index.stems_of(passages)
    passage_of_token = np.repeat(np.arange(len(passages)), evidence.passages["length"][passages])
    in_same = passage_of_token[:-1] == passage_of_token[1:]
    for first, second in pairs:
        matches = (stem_ids[:-1] == first) & (stem_ids[1:] == second) & in_same
        counts += np.bincount(passage_of_token[:-1][matches], minlength=len(passages)) > 0
    return np.asarray(np.minimum(counts, MAX_PAIRS) / MAX_PAIRS)


def _by_day(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """Return for each day its best match, and the weighted share of the query's terms on it."""
    index, days, alive = evidence.index, evidence.rows["day"], evidence.rows["alive"]
    matches = evidence.bm25[:-1] + 0.5 * evidence.bm25[evidence.rows["before"]]
    matches[days == 0] = 0
    best = np.zeros(len(index.days), dtype=np.float32)
    np.maximum.at(best, days, matches)
    terms = np.zeros((len(evidence.postings), len(index.days)), dtype=bool)
    for term, (passages, _) in enumerate(evidence.postings):
        rows = evidence.passages["item"][passages]
        terms[term, days[rows[alive[rows]]]] = True
    terms[:, 0] = False
    return best, dot(evidence.term_shares, terms)
