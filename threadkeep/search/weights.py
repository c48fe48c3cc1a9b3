"""The weights of the ranking, fitted on annotated recall."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Weights:
    """The weight of each feature, in the order of `FEATURES`, and the bias of their sum."""

    by_feature: tuple[float, ...]
    bias: float
    floor: float
    """The score that the best of many items must reach; below it, all are chance matches."""

    @cached_property
    def array(self) -> np.ndarray:
        """The weights of the features."""
        return np.array(self.by_feature, dtype=np.float32)


# Printed by `python -m benchmarks.fit_ranking` on the dialogues of LoCoMo.
STATIC = Weights(
    by_feature=(
        0.94,  # words
        1.06,  # words_before
        0.23,  # coverage
        2.14,  # coverage_nearby
        0.69,  # pairs
        1.02,  # similarity
        1.49,  # similarity_before
        0.22,  # similarity_after
        1.82,  # similarity_around
        0.00,  # vector
        0.00,  # vector_before
        0.77,  # speaker
        0.92,  # subject
        5.79,  # date
        0.84,  # time
        1.06,  # time_coverage
        0.21,  # quantity
        1.37,  # day
        1.00,  # day_coverage
        -0.33,  # question
        0.44,  # answer
        0.90,  # opening
        -0.21,  # length
        0.24,  # total_weight
        0.22,  # max_weight
        0.30,  # proper_name
        0.88,  # digits
    ),
    bias=-5.47,
    floor=0.67,
)
CONTEXTUAL = Weights(
    by_feature=(
        0.61,  # words
        0.38,  # words_before
        0.28,  # coverage
        1.99,  # coverage_nearby
        0.63,  # pairs
        0.67,  # similarity
        0.92,  # similarity_before
        0.15,  # similarity_after
        1.46,  # similarity_around
        2.86,  # vector
        1.49,  # vector_before
        0.87,  # speaker
        0.92,  # subject
        5.63,  # date
        0.85,  # time
        1.09,  # time_coverage
        0.21,  # quantity
        1.27,  # day
        0.97,  # day_coverage
        -0.32,  # question
        0.37,  # answer
        1.03,  # opening
        -0.14,  # length
        0.21,  # total_weight
        0.20,  # max_weight
        0.23,  # proper_name
        0.88,  # digits
    ),
    bias=-5.76,
    floor=0.62,
)
