"""The weights of the ranking, fitted on annotated recall."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Weights:
    """The weight of each feature, in the order of `FEATURES`, and the bias of their sum."""

    by_feature: tuple[float, ...]
    bias: float
    by_strength: tuple[float, ...]
    """The weight of each of `STRENGTHS`."""
    strength_bias: float
    floor: float
    """The probability of an answer below which nothing is recalled."""

    @cached_property
    def array(self) -> np.ndarray:
        """The weights of the features."""
        return np.array(self.by_feature, dtype=np.float32)

    def has_answer(self, strengths: np.ndarray) -> float:
        """Return the probability that some item answers a query, of half of all queries."""
        log_odds = float(np.dot(self.by_strength, strengths)) + self.strength_bias
        return 1 / (1 + math.exp(-min(50.0, max(-50.0, log_odds))))


# Printed by `python -m benchmarks.fit_ranking` on several corpora.
STATIC = Weights(
    by_feature=(
        1.41,  # words
        3.16,  # words_before
        1.01,  # coverage_nearby
        0.48,  # pairs
        3.76,  # reply_words
        5.02,  # answer_words
        0.79,  # similarity
        1.23,  # similarity_around
        0.93,  # answer_similarity
        0.00,  # vector
        0.00,  # vector_before
        0.64,  # speaker
        0.74,  # subject
        -0.66,  # assistant
        2.16,  # assistant_asked
        3.51,  # date
        0.43,  # time
        1.00,  # time_coverage
        0.09,  # quantity
        1.04,  # day
        0.76,  # day_coverage
        -0.13,  # has_question
        -1.47,  # question
        0.13,  # answer
        0.25,  # opening
        -0.02,  # length
        0.23,  # total_weight
        0.17,  # max_weight
        0.22,  # proper_name
        0.41,  # digits
    ),
    bias=-3.94,
    by_strength=(
        0.13,  # score
        0.00,  # words
        8.19,  # similarity
        3.02,  # coverage
        3.47,  # coverage_nearby
        0.00,  # vector
        6.36,  # date
        2.19,  # speaker
        -2.47,  # unknown
        -0.90,  # terms
        -1.20,  # size
    ),
    strength_bias=2.94,
    floor=0.154,
)
# Those of STATIC; the weights of the two vector features are between what LoCoMo alone gave and 0.
CONTEXTUAL = Weights(
    by_feature=(
        1.41,  # words
        3.16,  # words_before
        1.01,  # coverage_nearby
        0.48,  # pairs
        3.76,  # reply_words
        5.02,  # answer_words
        0.79,  # similarity
        1.23,  # similarity_around
        0.93,  # answer_similarity
        2.00,  # vector
        1.00,  # vector_before
        0.64,  # speaker
        0.74,  # subject
        -0.66,  # assistant
        2.16,  # assistant_asked
        3.51,  # date
        0.43,  # time
        1.00,  # time_coverage
        0.09,  # quantity
        1.04,  # day
        0.76,  # day_coverage
        -0.13,  # has_question
        -1.47,  # question
        0.13,  # answer
        0.25,  # opening
        -0.02,  # length
        0.23,  # total_weight
        0.17,  # max_weight
        0.22,  # proper_name
        0.41,  # digits
    ),
    bias=-3.94,
    by_strength=(
        0.13,  # score
        0.00,  # words
        8.19,  # similarity
        3.02,  # coverage
        3.47,  # coverage_nearby
        0.00,  # vector
        6.36,  # date
        2.19,  # speaker
        -2.47,  # unknown
        -0.90,  # terms
        -1.20,  # size
    ),
    strength_bias=2.94,
    floor=0.154,
)
