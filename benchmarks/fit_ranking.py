"""Fit the weights of `stores/ranking.py`: `python -m benchmarks.fit_ranking --data FILE`.

FILE is in LoCoMo's format: questions whose evidence turns are annotated. The weights maximise the
likelihood of the evidence among all turns of its conversation (a softmax over the turns, as in
ListNet, Cao et al. 2007), with a little weight decay; then one slope and one bias make the score
of a turn the probability that it is evidence, if half of all turns were.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from benchmarks.locomo import ABSENT, open_imported
from cli.event_loop import run
from stores.features import FEATURES, Evidence, features
from stores.namespaces import all_messages_of
from stores.questions import take_apart

DECAY = 1e-2
STEPS = 80


@dataclass(frozen=True, kw_only=True)
class Example:
    """One question: features of all turns, and which of them are evidence."""

    user: str
    features: np.ndarray
    evidence: np.ndarray


async def examples(folder: Path, data: Path) -> list[Example]:
    """Return the features of every turn for every question that has an answer."""
    made = []
    async with open_imported(folder, data) as asked:
        for question in asked.questions:
            if question.category == ABSENT:
                continue
            async with asked.store.indexes.open_index(question.owner) as index:
                assert index is not None
                evidence = Evidence(index, take_apart(question.text, index.speakers))
                below = all_messages_of(question.owner)
                rows = np.flatnonzero(index.below(".".join(below)))
                numbers = index.rows["number"][rows].tolist()
                items = await asked.store.index.items(below, numbers)
                wanted = np.array([items[each].key in question.evidence for each in numbers])
                found = features(evidence, rows, {})
            made.append(Example(user=question.user, features=found, evidence=wanted))
    return made


def fit(known: list[Example]) -> np.ndarray:
    """Return one weight per feature."""
    spread = np.mean([each.features.std(axis=0) for each in known], axis=0) + 1e-6
    scaled = [(each.features / spread, each.evidence) for each in known]

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        total, slope = DECAY * weights @ weights, 2 * DECAY * weights
        for found, wanted in scaled:
            scores = found @ weights
            shares = np.exp(scores - scores.max())
            shares /= shares.sum()
            total -= np.log(shares[wanted] + 1e-12).mean() / len(scaled)
            slope -= (found[wanted].mean(axis=0) - shares @ found) / len(scaled)
        return float(total), slope

    start = np.zeros(len(FEATURES))
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return np.asarray(best.x / spread)


def calibrate(known: list[Example], weights: np.ndarray) -> tuple[float, float]:
    """Return slope and bias of the logistic function, as if half of all turns were evidence."""
    scores = np.concatenate([each.features @ weights for each in known])
    wanted = np.concatenate([each.evidence for each in known]).astype(float)

    def loss(line: np.ndarray) -> tuple[float, np.ndarray]:
        scaled = line[0] * scores + line[1]
        error = 1 / (1 + np.exp(-scaled)) - wanted
        total = float((np.logaddexp(0, scaled) - wanted * scaled).mean())
        return total, np.array([(error * scores).mean(), error.mean()])

    slope, bias = minimize(loss, np.array([1.0, -5.0]), jac=True).x
    share = wanted.mean()
    return float(slope), float(bias - np.log(share / (1 - share)))


def main() -> None:
    """Print the weights, as they stand in `stores/ranking.py`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    with tempfile.TemporaryDirectory() as folder:
        known = run(examples(Path(folder), data))
    weights = fit(known)
    slope, bias = calibrate(known, weights)
    fitted = {name: round(slope * float(w), 2) for name, w in zip(FEATURES, weights, strict=True)}
    sys.stdout.write(json.dumps({"WEIGHTS": fitted, "BIAS": round(bias, 2)}, indent=4) + "\n")


if __name__ == "__main__":
    main()
