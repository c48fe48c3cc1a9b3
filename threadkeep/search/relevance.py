"""Whether the best rows answer a query at all: among many messages some always match by chance."""

import numpy as np

from threadkeep.search.evidence import Evidence
from threadkeep.search.features import FEATURES

STRENGTHS = (
    "score",  # log odds of the best row
    "words",  # BM25 of a text
    "similarity",  # cosine of a text
    "coverage",  # weighted share of the query's terms in one text
    "coverage_nearby",  # in one text and those beside it
    "vector",  # similarity in the vector index
    "date",  # a date of the query
    "speaker",  # the query mentions who says the best row
    "unknown",  # weighted share of the query's terms that no text has
    "terms",  # log of the number of terms
    "size",  # log of the number of items
)
"""How strongly the best rows match, each the highest of them, and what makes chance matches."""
BEST_ROWS = 5
MAX_GAP = 5.0
"""Log odds below the best row beyond which a row is left out: 95 of 100 answers lie within."""


def strengths(
    evidence: Evidence, rows: np.ndarray, matrix: np.ndarray, log_odds: np.ndarray
) -> np.ndarray:
    """Return the strength of the match of at least one row, as numbers in the order of `STRENGTHS`.

    `matrix` are the features of the rows, `log_odds` their scores.
    """
    best = np.argsort(-log_odds, kind="stable")[:BEST_ROWS]
    passages = evidence.best_passages[rows[best]]
    in_any_text = evidence.has_term[:, :-1].any(axis=1)

    def highest(name: str) -> float:
        return float(matrix[best, FEATURES.index(name)].max())

    return np.array(
        [
            log_odds[best[0]],
            evidence.passage_bm25[passages].max(),
            evidence.passage_similarity[passages].max(),
            evidence.coverage(passages).max(),
            highest("coverage_nearby"),
            highest("vector"),
            matrix[best[0], FEATURES.index("date")],
            matrix[best[0], FEATURES.index("speaker")],
            evidence.term_shares[~in_any_text].sum(),
            np.log1p(len(evidence.term_shares)),
            np.log1p(evidence.index.alive),
        ]
    )
