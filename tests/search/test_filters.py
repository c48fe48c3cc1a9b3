"""A filter accepts the items whose values meet all of its conditions."""

from typing import Any

import pytest

from threadkeep.search.filters import matches_filter

VALUE = {"role": "user", "count": 3, "tags": {"a": 1}}


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (None, True),
        ({}, True),
        ({"role": "user"}, True),
        ({"role": "assistant"}, False),
        ({"role": "user", "count": 4}, False),
        ({"absent": None}, True),
        ({"absent": 1}, False),
        ({"tags": {"a": 1}}, True),
        ({"tags": {"a": 2}}, False),
        ({"count": {"$eq": 3}}, True),
        ({"count": {"$ne": 3}}, False),
        ({"count": {"$gt": 2}}, True),
        ({"count": {"$gt": 3}}, False),
        ({"count": {"$gte": 3}}, True),
        ({"count": {"$lt": 3}}, False),
        ({"count": {"$lte": 3}}, True),
        ({"count": {"$gt": 2, "$lt": 3}}, False),
    ],
)
def test_an_item_must_meet_every_condition(
    conditions: dict[str, Any] | None, expected: bool
) -> None:
    assert matches_filter(VALUE, conditions) is expected


def test_an_unknown_operator_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown operator"):
        matches_filter(VALUE, {"count": {"$in": [3]}})
