"""Fit the weights of search/weights.py: `python -m benchmarks.fit_ranking --data FILE FILE`.

FILES are in LoCoMo's format: questions with annotated evidence turns. The generated kinds of
conversation (`benchmarks/recall_kinds`) are fitted on too, each with less weight than a file.

The weights maximise the likelihood of the evidence among the turns of its conversation (a softmax
over the turns, as in ListNet, Cao et al. 2007), with a small weight decay; a match never counts
against a turn. One slope and one bias then turn the score of a turn into the probability that it is
evidence, if half of all turns were. A second model, a logistic regression over the strengths of the
best turns, tells questions from unrelated ones. `--embeddings` fits the weights that are used with
contextual vectors.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from benchmarks.recall_corpora import open_corpora
from benchmarks.recall_examples import Corpus, Example
from threadkeep.process import run
from threadkeep.search.features import FEATURES
from threadkeep.search.relevance import STRENGTHS, strengths
from threadkeep.search.weights import Weights

DECAY, STRENGTH_DECAY = 2e-2, 1e-3
EITHER_SIGN = frozenset(
    """assistant has_question question answer opening length total_weight max_weight proper_name
    digits""".split()
)
"""The features that say what a text is like, not that it matches."""
AGAINST, NEUTRAL = frozenset(("unknown",)), frozenset(("terms", "size"))
"""Strengths that speak against an answer, and those that may do either."""
MISSED_SHARE = 0.02
"""The share of answerable questions, by the weights of their corpora, that recall nothing."""
MIN_DEVIATION = 1e-6
"""A feature that varies less gets no weight."""
MAX_STEPS = 200


def fit(corpora: Sequence[Corpus], mask: np.ndarray | None = None) -> Weights:
    """Return the weights fitted on some corpora; features outside the mask weigh 0."""
    own = [(one, corpus.weight / len(corpus.own)) for corpus in corpora for one in corpus.own]
    examples, shares = [one for one, _ in own], np.array([share for _, share in own])
    weights = _fit_features(examples, shares / shares.sum(), mask)
    matrix = np.concatenate([one.matrix for one in examples])
    labels = np.concatenate([one.labels > 0 for one in examples])
    slope, bias = calibrate(matrix @ weights, labels)
    weights = slope * weights
    by_strength, strength_bias, floor = _fit_strengths(corpora, weights, bias)
    return Weights(
        by_feature=tuple(map(float, weights)),
        bias=bias,
        by_strength=tuple(map(float, by_strength)),
        strength_bias=strength_bias,
        floor=floor,
    )


def _fit_features(
    examples: Sequence[Example], shares: np.ndarray, mask: np.ndarray | None
) -> np.ndarray:
    """Return a weight for each feature; `shares` are the examples' parts of the likelihood."""
    places = [one.promising for one in examples]
    matrix = np.concatenate([one.matrix[p] for one, p in zip(examples, places, strict=True)])
    lengths = np.array([len(p) for p in places])
    starts, example_of_row = np.cumsum(lengths) - lengths, np.repeat(range(len(places)), lengths)
    labels = [one.labels[p] for one, p in zip(examples, places, strict=True)]
    targets = np.concatenate([one / one.sum() for one in labels]) * shares[example_of_row]
    deviation = matrix.std(axis=0)
    used = (deviation > MIN_DEVIATION) & (mask if mask is not None else True)
    scaled = (matrix[:, used] / deviation[used]).astype(np.float64)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        scores = scaled @ weights
        scores -= np.maximum.reduceat(scores, starts)[example_of_row]
        exponentials = np.exp(scores)
        sums = np.add.reduceat(exponentials, starts)[example_of_row]
        likelihood = targets @ (scores - np.log(sums))
        expected = exponentials / sums * shares[example_of_row]
        gradient = 2 * DECAY * weights + (expected - targets) @ scaled
        return float(DECAY * weights @ weights - likelihood), gradient

    names = [name for name, is_used in zip(FEATURES, used, strict=True) if is_used]
    bounds = [(None if name in EITHER_SIGN else 0.0, None) for name in names]
    result = minimize(
        loss,
        np.zeros(len(names)),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": MAX_STEPS},
    )
    weights = np.zeros(len(FEATURES))
    weights[used] = result.x / deviation[used]
    return weights


def calibrate(scores: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return slope and bias of the logistic function, as if half of all turns were evidence."""
    (slope,), bias = logistic(scores[:, None], labels, np.full(len(scores), 1 / len(scores)))
    share = labels.mean()
    return float(slope), float(bias - np.log(share / (1 - share)))


def logistic(
    matrix: np.ndarray,
    labels: np.ndarray,
    shares: np.ndarray,
    bounds: Sequence[tuple[float | None, float | None]] | None = None,
) -> tuple[np.ndarray, float]:
    """Return weights and bias of a logistic regression; `shares` are those of the samples."""
    mean, deviation = matrix.mean(axis=0), np.maximum(MIN_DEVIATION, matrix.std(axis=0))
    scaled, truth = (matrix - mean) / deviation, labels.astype(float)

    def loss(line: np.ndarray) -> tuple[float, np.ndarray]:
        log_odds = scaled @ line[:-1] + line[-1]
        error = shares * (1 / (1 + np.exp(-log_odds)) - truth)
        decay = STRENGTH_DECAY * line[:-1]
        total = shares @ (np.logaddexp(0, log_odds) - truth * log_odds) + decay @ line[:-1]
        return float(total), np.append(error @ scaled + 2 * decay, error.sum())

    limits = [*(bounds or [(None, None)] * matrix.shape[1]), (None, None)]
    line = minimize(loss, np.zeros(len(limits)), jac=True, method="L-BFGS-B", bounds=limits).x
    weights = line[:-1] / deviation
    return weights, float(line[-1] - weights @ mean)


def _fit_strengths(
    corpora: Sequence[Corpus], weights: np.ndarray, bias: float
) -> tuple[np.ndarray, float, float]:
    """Return weights and bias of the strengths, and the floor of the probability."""
    samples, labels, shares = [], [], []
    for corpus in corpora:
        for label, examples in ((True, corpus.own), (False, corpus.unrelated)):
            samples += [strengths_of(one, weights, bias) for one in examples]
            labels += [label] * len(examples)
            shares += [corpus.weight / len(examples)] * len(examples)
    matrix, is_own, share = np.array(samples), np.array(labels), np.array(shares)
    bounds = [
        (None, None) if name in NEUTRAL else (None, 0.0) if name in AGAINST else (0.0, None)
        for name in STRENGTHS
    ]
    by_strength, strength_bias = logistic(matrix, is_own, share / share.sum(), bounds)
    log_odds = (matrix @ by_strength + strength_bias)[is_own]
    order = np.argsort(log_odds)
    missed = np.cumsum(share[is_own][order]) / share[is_own].sum()
    floor = log_odds[order][np.searchsorted(missed, MISSED_SHARE)]
    return by_strength, strength_bias, float(1 / (1 + np.exp(-floor)))


def strengths_of(one: Example, weights: np.ndarray, bias: float) -> np.ndarray:
    """Return the strengths of an example with the weights of features."""
    return strengths(one.evidence, one.rows, one.matrix, one.matrix @ weights + bias)


def source_of(name: str, weights: Weights) -> str:
    """Return weights as Python source for `threadkeep/search/weights.py`."""

    def tuple_lines(values: Sequence[float], names: Sequence[str]) -> list[str]:
        pairs = zip(values, names, strict=True)
        return [f"        {value:.2f},  # {of}" for value, of in pairs]

    return "\n".join(
        [
            *(f"{name} = Weights(", "    by_feature=("),
            *(*tuple_lines(weights.by_feature, FEATURES), "    ),"),
            *(f"    bias={weights.bias:.2f},", "    by_strength=("),
            *(*tuple_lines(weights.by_strength, STRENGTHS), "    ),"),
            f"    strength_bias={weights.strength_bias:.2f},",
            *(f"    floor={weights.floor:.3f},", ")\n"),
        ]
    )


async def fit_files(folder: Path, files: Sequence[Path], embeddings: str) -> Weights:
    """Return the weights fitted on files of conversations and on the generated kinds."""
    async with open_corpora(folder, files, embeddings) as corpora:
        return fit(corpora)


def main() -> None:
    """Print the weights as Python source."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="*", default=[])
    parser.add_argument("--embeddings", default="static")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        weights = run(fit_files(Path(folder), options.data, options.embeddings))
    name = "STATIC" if options.embeddings == "static" else "CONTEXTUAL"
    sys.stdout.write(source_of(name, weights))


if __name__ == "__main__":
    main()
