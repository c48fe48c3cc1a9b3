"""Claims fold into intervals of valid time, whatever the order in which they were told."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threadkeep.knowledge.timeline import Claim, Interval, fold

Row = tuple[str, str, str | None]


def claim(
    object_: str,
    stated_at: str = "2026-01-10",
    valid_from: str | None = None,
    valid_to: str | None = None,
    **fields: object,
) -> Claim:
    return Claim(
        object=object_,
        stated_at=f"{stated_at}T10:00:00+00:00",
        message=f"{stated_at} {object_} {valid_from}",
        valid_from=valid_from,
        valid_to=valid_to,
        **fields,  # type: ignore[arg-type]
    )


def rows(*claims: Claim, single: bool = True) -> list[Row]:
    return [_row(interval) for interval in fold(claims, single=single)]


def _row(interval: Interval) -> Row:
    end = interval.end and interval.end[:10]
    return interval.object, interval.start[:10], end


def test_a_newer_object_ends_the_older() -> None:
    old, new = claim("Turku", "2026-01-05"), claim("Tampere", "2026-04-10", "2026-04-03")
    assert rows(old, new) == [
        ("Turku", "2026-01-05", "2026-04-03"),
        ("Tampere", "2026-04-03", None),
    ]


def test_an_older_time_does_not_touch_the_present() -> None:
    now, past = claim("Bristol", "2026-01-10"), claim("Lima", "2026-02-10", "2011", "2013")
    assert rows(now, past) == [("Lima", "2011", "2013"), ("Bristol", "2026-01-10", None)]


def test_a_time_that_ended_within_another_interrupts_it_only() -> None:
    longer, shorter = (
        claim("Larch", valid_from="2020"),
        claim("Pine", valid_from="2022", valid_to="2023"),
    )
    assert rows(longer, shorter) == [
        ("Larch", "2020", "2022"),
        ("Pine", "2022", "2023"),
        ("Larch", "2023", None),
    ]


def test_a_plan_counts_from_its_date() -> None:
    home = claim("Rostock", "2026-01-10")
    plan = claim("Dresden", "2026-03-10", "2026-07", status="planned")
    assert rows(home, plan) == [("Rostock", "2026-01-10", "2026-07"), ("Dresden", "2026-07", None)]


def test_a_plan_without_a_date_ends_nothing() -> None:
    home, plan = claim("Rostock"), claim("Nice", "2026-02-10", status="planned")
    assert rows(home, plan) == [("Rostock", "2026-01-10", None), ("Nice", "", None)]


@pytest.mark.parametrize("object_", ["Crete", ""])
def test_a_cancelled_plan_is_gone(object_: str) -> None:
    plan = claim("Crete", "2026-03-10", "2026-09", status="planned")
    assert rows(plan, claim(object_, "2026-06-10", status="cancelled")) == []
    assert rows(plan, claim("Crete", "2026-06-10", negated=True))[0][:2] == ("Crete", "2026-06-10")


def test_a_plan_moves_to_another_date() -> None:
    first = claim("Dresden", "2026-03-10", "2026-07", status="planned")
    second = claim("Dresden", "2026-04-10", "2026-09", status="planned")
    assert rows(first, second) == [("Dresden", "2026-09", None)]


def test_a_plan_that_happened_counts_from_its_outcome() -> None:
    plan = claim("Dresden", "2026-03-10", "2026-07", status="planned")
    outcome = claim("Dresden", "2026-07-20", "2026-07-15")
    assert rows(plan, outcome) == [("Dresden", "2026-07-15", None)]


def test_what_holds_no_longer_ends_and_nothing_comes_back() -> None:
    claims = [
        claim("Oslo"),
        claim("Bergen", "2026-02-10"),
        claim("Bergen", "2026-03-10", negated=True),
    ]
    assert rows(*claims) == [
        ("Oslo", "2026-01-10", "2026-02-10"),
        ("Bergen", "2026-02-10", "2026-03-10"),
    ]


def test_a_return_is_a_third_interval() -> None:
    claims = [claim("Oslo"), claim("Bergen", "2026-02-10"), claim("Oslo", "2026-03-10")]
    assert [row[0] for row in rows(*claims)] == ["Oslo", "Bergen", "Oslo"]


def test_equal_dates_of_different_objects_hold_side_by_side() -> None:
    claims = [claim("Oslo", "2026-01-01", "2020"), claim("Bergen", "2026-02-01", "2020")]
    assert {row[0] for row in rows(*claims)} == {"Oslo", "Bergen"}


def test_a_correction_takes_the_place_of_what_never_was() -> None:
    claims = [
        claim("14 April", "2026-03-20", "2026"),
        claim("16 April", "2026-03-21", status="corrected"),
    ]
    assert rows(*claims) == [("16 April", "2026", None)]


def test_a_correction_of_a_named_object_leaves_the_others() -> None:
    claims = [
        claim("Rex", "2026-01-01"),
        claim("Tom", "2026-01-02"),
        claim("Max", "2026-01-03", status="corrected", replaces="Rex"),
    ]
    assert {row[0] for row in rows(*claims, single=False)} == {"Tom", "Max"}


def test_many_objects_hold_side_by_side_and_end_alone() -> None:
    claims = [claim("Rex"), claim("Tom", "2026-01-11"), claim("Rex", "2026-02-01", negated=True)]
    assert rows(*claims, single=False) == [
        ("Rex", "2026-01-10", "2026-02-01"),
        ("Tom", "2026-01-11", None),
    ]


def test_what_never_was_is_known_as_such() -> None:
    intervals = fold([claim("Norway", negated=True)], single=False)
    assert [(interval.object, interval.negated) for interval in intervals] == [("Norway", True)]
    later = fold([claim("Norway", negated=True), claim("Norway", "2026-05-01")], single=False)
    assert [(i.negated, i.start[:10], i.end and i.end[:10]) for i in sorted(later, key=_start)] == [
        (True, "2026-01-10", "2026-05-01"),
        (False, "2026-05-01", None),
    ]


def _start(interval: Interval) -> str:
    return interval.start


@pytest.mark.parametrize("date", ["2026", "2026-01", "2026-01-05"])
def test_a_rough_date_lies_behind_an_earlier_statement_within_it(date: str) -> None:
    home, move = claim("Turku", "2026-01-05"), claim("Tampere", "2026-01-06", date)
    assert rows(home, move)[-1] == ("Tampere", "2026-01-05", None)


def test_an_end_before_its_start_is_no_end() -> None:
    assert rows(claim("Oslo", valid_from="2020", valid_to="2019")) == [("Oslo", "2020", None)]


dates = st.sampled_from(["2019", "2020", "2020-03", "2021-06-01", "2024", "2026-05-09"])
dated_claims = st.lists(
    st.builds(
        claim,
        st.sampled_from(["Oslo", "Bergen", "Kiel"]),
        st.sampled_from(["2026-06-01", "2026-06-02", "2026-07-01"]),
        dates,
        st.none() | dates,
        negated=st.booleans(),
    ),
    max_size=8,
)
any_claims = st.lists(
    st.builds(
        claim,
        st.sampled_from(["Oslo", "Bergen", "Kiel"]),
        st.sampled_from(["2019-06-01", "2024-06-02", "2026-07-01"]),
        st.none() | dates,
        st.none() | dates,
        negated=st.booleans(),
        status=st.sampled_from(["asserted", "planned", "cancelled", "corrected"]),
        replaces=st.none() | st.just("Oslo"),
    ),
    max_size=8,
)


@given(any_claims, st.booleans(), st.randoms())
def test_the_order_of_the_claims_does_not_matter(
    claims: list[Claim], single: bool, random: object
) -> None:
    shuffled = list(claims)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert fold(claims, single=single) == fold(shuffled, single=single)


@given(dated_claims, st.booleans(), st.randoms())
def test_the_order_of_dated_statements_does_not_matter(
    claims: list[Claim], single: bool, random: object
) -> None:
    times = [c.stated_at for c in claims]
    random.shuffle(times)  # type: ignore[attr-defined]
    claims = [c for c in claims if not c.negated]
    reordered = [
        Claim(
            object=c.object,
            stated_at=t,
            message=c.message,
            valid_from=c.valid_from,
            valid_to=c.valid_to,
        )
        for c, t in zip(claims, times, strict=False)
    ]
    assert set(rows(*claims, single=single)) == set(rows(*reordered, single=single))


@given(any_claims, st.booleans())
def test_no_interval_ends_before_it_begins_and_none_overlap(
    claims: list[Claim], single: bool
) -> None:
    intervals = fold(claims, single=single)
    for interval in intervals:
        assert interval.end is None or interval.start < interval.end
    for object_ in ("Oslo", "Bergen", "Kiel"):
        own = [i for i in intervals if i.object == object_ and not i.negated and i.start]
        for first, second in pairwise(own):
            assert first.end is not None
            assert first.end <= second.start


@given(any_claims, st.booleans())
def test_a_repeated_claim_changes_nothing(claims: list[Claim], single: bool) -> None:
    assert fold([*claims, *claims], single=single) == fold(claims, single=single)
