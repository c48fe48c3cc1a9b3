"""Fit the weights of search/weights.py: `python -m benchmarks.fit_ranking --data FILE`.

FILE is in LoCoMo's format: questions whose evidence turns are annotated. The weights maximise the
likelihood of the evidence among all turns of its conversation (a softmax over the turns, as in
ListNet, Cao et al. 2007), with a little weight decay, by Newton's method; then one slope and one
bias make the score of a turn the probability that it is evidence, if half of all turns were. The
floor is what the best turn of 99 % of the questions reaches.
`--embeddings` fits the weights that are used beside contextual vectors.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from benchmarks.locomo import ABSENT, Asked, Question, open_imported
from threadkeep.cli.event_loop import run
from threadkeep.search.evidence import Evidence
from threadkeep.search.features import FEATURES, features
from threadkeep.search.questions import analyse
from threadkeep.search.weights import Weights
from threadkeep.stores.namespaces import all_messages_of

DECAY = 1e-2
STEPS = 30
MISSED = 0.01
"""For so many of the questions that have an answer the best turn is below the floor."""
ENOUGH = 1e-5
"""A step that gains less in log-likelihood is the last."""
Chosen = np.ndarray
"""Which features take part."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """One question: features of all turns, and which of them are evidence."""

    user: str
    features: np.ndarray
    evidence: np.ndarray


async def examples(asked: Asked) -> list[Example]:
    """Return the features of every turn for every question that has an answer."""
    return [await _example(asked, each) for each in asked.questions if each.category != ABSENT]


def every_feature_but(*left_out: str) -> Chosen:
    """Return which features take part where some are left out."""
    return np.array([name not in left_out for name in FEATURES])


def fit(known: Sequence[Example], chosen: Chosen | None = None) -> Weights:
    """Return weights and bias; features that do not take part, or tell nothing, weigh nothing."""
    every = np.concatenate([each.features for each in known])
    spread = every.std(axis=0)
    used = (spread > 1e-6) & (chosen if chosen is not None else True)
    scaled = np.ascontiguousarray(every[:, used] / spread[used], dtype=np.float32)
    weights = np.zeros(len(FEATURES))
    weights[used] = _newton(_likelihood(known, scaled), int(used.sum())) / spread[used]
    scores = every @ weights
    slope, bias = calibrate(scores, np.concatenate([each.evidence for each in known]))
    lengths = np.array([len(each.evidence) for each in known])
    best = np.maximum.reduceat(slope * scores + bias, np.cumsum(lengths) - lengths)
    floor = 1 / (1 + np.exp(-np.quantile(best, MISSED)))
    return Weights(
        by_feature=tuple(float(each) for each in slope * weights), bias=bias, floor=float(floor)
    )


def calibrate(scores: np.ndarray, evidence: np.ndarray) -> tuple[float, float]:
    """Return slope and bias of the logistic function, as if half of all turns were evidence."""
    wanted = evidence.astype(float)

    def loss(line: np.ndarray) -> tuple[float, np.ndarray]:
        scaled = line[0] * scores + line[1]
        error = 1 / (1 + np.exp(-scaled)) - wanted
        total = float((np.logaddexp(0, scaled) - wanted * scaled).mean())
        return total, np.array([(error * scores).mean(), error.mean()])

    slope, bias = minimize(loss, np.array([1.0, -5.0]), jac=True).x
    share = wanted.mean()
    return float(slope), float(bias - np.log(share / (1 - share)))


Likelihood = Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]]


def _likelihood(known: Sequence[Example], scaled: np.ndarray) -> Likelihood:
    """Return what gives a weight vector's loss, its slope and its curvature."""
    lengths = np.array([len(each.evidence) for each in known])
    starts = np.cumsum(lengths) - lengths
    of = np.repeat(np.arange(len(known)), lengths)
    wanted = np.concatenate([each.evidence / each.evidence.sum() for each in known]) / len(known)
    gold = wanted @ scaled

    def at(weights: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        scores = scaled @ weights.astype(np.float32)
        above = scores - np.maximum.reduceat(scores, starts)[of]
        sums = np.add.reduceat(np.exp(above), starts)
        shares = (np.exp(above) / sums[of] / len(known)).astype(np.float32)
        loss = float(DECAY * weights @ weights - wanted @ (above - np.log(sums)[of]))
        weighed = shares[:, None] * scaled
        means = np.add.reduceat(weighed, starts)
        slope = 2 * DECAY * weights - gold + weighed.sum(axis=0)
        curve = weighed.T @ scaled - len(known) * means.T @ means
        return loss, slope, curve + 2 * DECAY * np.eye(len(weights))

    return at


def _newton(at: Likelihood, size: int) -> np.ndarray:
    weights = np.zeros(size)
    loss, slope, curve = at(weights)
    for _ in range(STEPS):
        step = np.linalg.solve(curve, slope)
        tried = at(weights - step)
        while tried[0] > loss and np.abs(step).max() > 1e-4:
            step /= 2
            tried = at(weights - step)
        gain = loss - tried[0]
        weights, (loss, slope, curve) = weights - step, tried
        if gain < ENOUGH:
            break
    return weights


async def _example(asked: Asked, question: Question) -> Example:
    store, below = asked.store, all_messages_of(question.owner)
    vectors: dict[int, float] = {}
    if not store.vectors.static:
        vectors = await store.vectors.search(
            question.owner, question.text, store.searcher.neighbours
        )
    async with store.indexes.open_index(question.owner) as index:
        assert index is not None
        evidence = Evidence(index, analyse(question.text, index.speakers))
        rows = np.flatnonzero(index.in_namespace(".".join(below)))
        numbers = index.rows["number"][rows].tolist()
        found = features(evidence, rows, vectors)
    if question.owner not in asked.keys:
        items = await store.index.items(below, numbers)
        asked.keys[question.owner] = [items[each].key for each in numbers]
    wanted = np.array([key in question.evidence for key in asked.keys[question.owner]])
    return Example(user=question.user, features=found, evidence=wanted)


def written(name: str, weights: Weights) -> str:
    """Return the weights as they stand in `threadkeep/search/weights.py`."""
    lines = (
        f"        {weight:.2f},  # {of}"
        for of, weight in zip(FEATURES, weights.by_feature, strict=True)
    )
    return "\n".join(
        [
            *(f"{name} = Weights(", "    by_feature=(", *lines, "    ),"),
            *(f"    bias={weights.bias:.2f},", f"    floor={weights.floor:.2f},", ")\n"),
        ]
    )


async def fitted(folder: Path, data: Path, embeddings: str) -> Weights:
    """Return the weights that a file of dialogues gives."""
    async with open_imported(folder, data, embeddings) as asked:
        return fit(await examples(asked))


def main() -> None:
    """Print the weights, as they stand in `threadkeep/search/weights.py`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--embeddings", default="static")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        weights = run(fitted(Path(folder), given.data, given.embeddings))
    sys.stdout.write(written("STATIC" if given.embeddings == "static" else "CONTEXTUAL", weights))


if __name__ == "__main__":
    main()
