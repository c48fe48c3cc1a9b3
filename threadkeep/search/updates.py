"""Of two statements about the same, the newer one first: it may have replaced the older."""

import numpy as np

from threadkeep.search.evidence import Evidence

LOOKED_AT = 6
"""The best rows among which statements are compared."""
MIN_SHARED = 0.8
"""The weighted share of terms that two rows have in common if they are about the same."""
MIN_COVERAGE = 0.3
"""The weighted share of the query's terms that such rows have at least."""
MIN_COSINE = 0.25
"""Of the texts of such rows."""
MAX_LEAD = 1.5
"""Log odds by which an older statement may match better."""
STEP = 0.01


def newer_first(evidence: Evidence, rows: np.ndarray, log_odds: np.ndarray) -> np.ndarray:
    """Return what to add to each row so that a newer statement precedes the older ones like it.

    `rows` are in any order; of rows beyond the best `LOOKED_AT` nothing changes.
    """
    gains = np.zeros(len(rows), dtype=np.float32)
    best = np.argsort(-log_odds, kind="stable")[:LOOKED_AT]
    if len(best) < 2 or not len(evidence.term_shares):
        return gains
    columns = evidence.rows.select(rows[best])
    lead = log_odds[best] - log_odds[best][:, None]
    newer = columns["number"][:, None] > columns["number"]
    passes = newer & (lead > 0) & (lead <= MAX_LEAD)
    passes &= columns["speaker"][:, None] == columns["speaker"]
    if passes.any():
        passes &= _about_the_same(evidence, rows[best])
        gains[best] = np.where(passes, lead + STEP, 0).max(axis=1)
    return gains


def _about_the_same(evidence: Evidence, rows: np.ndarray) -> np.ndarray:
    """Return for each pair of rows whether they have the same terms of the query and are alike."""
    hits = evidence.has_term[:, rows]
    both = np.einsum("t,ti,tj->ij", evidence.term_shares, hits, hits)
    own = np.diag(both)
    same = (both >= MIN_COVERAGE) & (both >= MIN_SHARED * (own[:, None] + own - both))
    vectors = evidence.index.passages.mean_vectors(evidence.best_passages[rows])
    cosines = np.einsum("id,jd->ij", vectors, vectors)
    return np.asarray(same & (cosines >= MIN_COSINE))
