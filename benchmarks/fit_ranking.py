"""Fit the weights of search/weights.py: `python -m benchmarks.fit_ranking --data FILE`.

FILE is in LoCoMo's format: questions with annotated evidence turns. The weights maximise the
likelihood of the evidence among all turns of its conversation (a softmax over the turns, as in
ListNet, Cao et al. 2007), with a small weight decay, by Newton's method. Then one slope and one
bias turn the score of a turn into the probability that it is evidence, if half of all turns were.
The best turns of 99 % of the questions reach the floor.
`--embeddings` fits the weights that are used with contextual vectors.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from benchmarks.locomo import Dataset, Question, open_dataset
from threadkeep.process import run
from threadkeep.search.evidence import Evidence
from threadkeep.search.features import FEATURES, features
from threadkeep.search.questions import analyse
from threadkeep.search.weights import Weights
from threadkeep.stores.namespaces import all_messages_of

DECAY = 1e-2
MAX_STEPS = 30
MIN_STEP = 1e-4
MIN_GAIN = 1e-5
"""Stop after a step that gains less log-likelihood."""
BELOW_FLOOR = 0.01
"""The share of answerable questions whose best turn may lie below the floor."""
MIN_DEVIATION = 1e-6
"""A feature that varies less gets no weight."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """One question: the features of all turns, and which turns are evidence."""

    user: str
    features: np.ndarray
    evidence: np.ndarray


async def examples(dataset: Dataset) -> list[Example]:
    """Return the features of every turn for every answerable question."""
    return [await _example(dataset, question) for question in dataset.answerable]


def features_without(*names: str) -> np.ndarray:
    """Return a mask of all features except some."""
    return np.array([feature not in names for feature in FEATURES])


def fit(training: Sequence[Example], mask: np.ndarray | None = None) -> Weights:
    """Return weights, bias and floor; features outside the mask, or without effect, weigh 0."""
    matrix = np.concatenate([example.features for example in training])
    deviation = matrix.std(axis=0)
    used = (deviation > MIN_DEVIATION) & (mask if mask is not None else True)
    scaled = np.ascontiguousarray(matrix[:, used] / deviation[used], dtype=np.float32)
    weights = np.zeros(len(FEATURES))
    weights[used] = _newton(_objective(training, scaled), int(used.sum())) / deviation[used]
    scores = matrix @ weights
    slope, bias = calibrate(scores, np.concatenate([example.evidence for example in training]))
    starts, _ = _starts_and_lengths(training)
    best = np.maximum.reduceat(slope * scores + bias, starts)
    return Weights(
        by_feature=tuple(float(weight) for weight in slope * weights),
        bias=bias,
        floor=float(1 / (1 + np.exp(-np.quantile(best, BELOW_FLOOR)))),
    )


def calibrate(scores: np.ndarray, evidence: np.ndarray) -> tuple[float, float]:
    """Return slope and bias of the logistic function, as if half of all turns were evidence."""
    labels = evidence.astype(float)

    def loss(line: np.ndarray) -> tuple[float, np.ndarray]:
        scaled = line[0] * scores + line[1]
        error = 1 / (1 + np.exp(-scaled)) - labels
        total = float((np.logaddexp(0, scaled) - labels * scaled).mean())
        return total, np.array([(error * scores).mean(), error.mean()])

    slope, bias = minimize(loss, np.array([1.0, -5.0]), jac=True).x
    share = labels.mean()
    return float(slope), float(bias - np.log(share / (1 - share)))


Objective = Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]]
"""Takes weights; returns their loss, its gradient and its Hessian matrix."""


def _objective(training: Sequence[Example], scaled: np.ndarray) -> Objective:
    starts, lengths = _starts_and_lengths(training)
    count = len(training)
    example_of_row = np.repeat(np.arange(count), lengths)
    shares = [example.evidence / example.evidence.sum() for example in training]
    targets = np.concatenate(shares) / count
    target_sum = targets @ scaled

    def evaluate(weights: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        scores = scaled @ weights.astype(np.float32)
        shifted = scores - np.maximum.reduceat(scores, starts)[example_of_row]
        sums = np.add.reduceat(np.exp(shifted), starts)
        softmax = (np.exp(shifted) / sums[example_of_row] / count).astype(np.float32)
        log_likelihood = targets @ (shifted - np.log(sums)[example_of_row])
        loss = float(DECAY * weights @ weights - log_likelihood)
        weighted = softmax[:, None] * scaled
        means = np.add.reduceat(weighted, starts)
        gradient = 2 * DECAY * weights - target_sum + weighted.sum(axis=0)
        hessian = weighted.T @ scaled - count * means.T @ means
        return loss, gradient, hessian + 2 * DECAY * np.eye(len(weights))

    return evaluate


def _starts_and_lengths(training: Sequence[Example]) -> tuple[np.ndarray, np.ndarray]:
    """Return the first row and the number of rows of each example, one after the other."""
    lengths = np.array([len(example.evidence) for example in training])
    return np.cumsum(lengths) - lengths, lengths


def _newton(objective: Objective, size: int) -> np.ndarray:
    weights = np.zeros(size)
    loss, gradient, hessian = objective(weights)
    for _ in range(MAX_STEPS):
        step = np.linalg.solve(hessian, gradient)
        trial = objective(weights - step)
        while trial[0] > loss and np.abs(step).max() > MIN_STEP:
            step /= 2
            trial = objective(weights - step)
        gain = loss - trial[0]
        weights, (loss, gradient, hessian) = weights - step, trial
        if gain < MIN_GAIN:
            break
    return weights


async def _example(dataset: Dataset, question: Question) -> Example:
    store, namespace = dataset.store, all_messages_of(question.owner)
    vector_scores: dict[int, float] = {}
    if not store.vectors.static:
        vector_scores = await store.vectors.search(
            question.owner, question.text, store.searcher.neighbours
        )
    async with store.indexes.open_index(question.owner) as index:
        assert index is not None
        evidence = Evidence(index, analyse(question.text, index.speakers))
        rows = np.flatnonzero(index.in_namespace(".".join(namespace)))
        numbers = index.rows["number"][rows].tolist()
        matrix = features(evidence, rows, vector_scores)
    if question.owner not in dataset.keys:
        items = await store.index.items(namespace, numbers)
        dataset.keys[question.owner] = [items[number].key for number in numbers]
    keys = dataset.keys[question.owner]
    labels = np.array([key in question.evidence for key in keys])
    return Example(user=question.user, features=matrix, evidence=labels)


def source_of(name: str, weights: Weights) -> str:
    """Return weights as Python source for `threadkeep/search/weights.py`."""
    lines = (
        f"        {weight:.2f},  # {feature}"
        for feature, weight in zip(FEATURES, weights.by_feature, strict=True)
    )
    return "\n".join(
        [
            *(f"{name} = Weights(", "    by_feature=(", *lines, "    ),"),
            *(f"    bias={weights.bias:.2f},", f"    floor={weights.floor:.2f},", ")\n"),
        ]
    )


async def fit_file(folder: Path, data: Path, embeddings: str) -> Weights:
    """Return the weights fitted on a file of dialogues."""
    async with open_dataset(folder, data, embeddings) as dataset:
        return fit(await examples(dataset))


def main() -> None:
    """Print the weights as Python source."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--embeddings", default="static")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        weights = run(fit_file(Path(folder), options.data, options.embeddings))
    sys.stdout.write(
        source_of("STATIC" if options.embeddings == "static" else "CONTEXTUAL", weights)
    )


if __name__ == "__main__":
    main()
