"""Facts in time: fold the claims about one subject and predicate into intervals.

Times are ISO 8601 in UTC, or its beginnings: "2026-07" is the start of July, and compares so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from threadkeep.extract.extraction import Status

FOREVER = "9999-12-31"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What one message claims about the subject and predicate of a timeline."""

    object: str
    stated_at: str
    """When it counts as told: the order of claims, and the start of an undated one."""
    message: str
    valid_from: str | None = None
    valid_to: str | None = None
    negated: bool = False
    status: Status = "asserted"
    replaces: str | None = None

    @property
    def start(self) -> str:
        """From when it counts; "" is an unknown time in the past."""
        return self.valid_from or ("" if self.valid_to else self.stated_at)

    @property
    def end(self) -> str | None:
        """Until when it was told to hold; None is open. No claim ends before it begins."""
        return self.valid_to if self.valid_to and self.valid_to > self.start else None

    @property
    def is_plan(self) -> bool:
        """Whether it is about the future only."""
        return self.status == "planned"


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A time in which an object holds: from `start` up to, not including, `end`."""

    object: str
    start: str
    """"" is an unknown time in the past."""
    end: str | None
    messages: tuple[str, ...]
    planned: bool = False
    negated: bool = False
    """It is known not to hold."""
    successor: str | None = None
    """The object that ends it, where one does."""


def fold(claims: Iterable[Claim], *, single: bool) -> list[Interval]:
    """Return the intervals of all objects, in order of time.

    With `single`, one object holds at a time: the one that began last. What is told about the past
    later never touches the present; equal starts of different objects hold side by side.
    """
    ordered = sorted(set(claims), key=lambda claim: (claim.stated_at, claim.message, repr(claim)))
    claims = _refined(_without_replaced(ordered, single=single))
    positive = [c for c in claims if not c.negated and not (c.is_plan and not c.valid_from)]
    negative = [c for c in claims if c.negated]
    # What was told to be over ends what was told to hold before.
    ends = [(claim, claim.end) for claim in positive if claim.end]
    negative += [
        replace(claim, valid_from=end, valid_to=None, negated=True, stated_at="")
        for claim, end in ends
    ]
    edges = {claim.start for claim in (*positive, *negative)}
    edges |= {claim.end for claim in positive if claim.end}
    times = [*sorted(edges), FOREVER]
    intervals: list[Interval] = []
    for start, end in pairwise(times):
        holders = _holders(positive, negative, start, single=single)
        intervals = _extend(intervals, holders, start, None if end == FOREVER else end)
    intervals = _with_successors(intervals) if single else intervals
    undated = [_interval(c) for c in claims if c.is_plan and not c.valid_from and not c.negated]
    denied = [claim for claim in negative if claim.stated_at]
    return [*intervals, *_never_true(denied, positive), *undated]


def _without_replaced(ordered: Sequence[Claim], *, single: bool) -> list[Claim]:
    """Return the claims that still count; those that were corrected, cancelled or moved do not."""
    valid: list[Claim] = []
    for claim in ordered:
        if claim.status == "corrected":
            wrong = claim.object if claim.negated else claim.replaces
            wrong = wrong or _latest_other(valid, claim.object, single=single)
            starts = [c.valid_from for c in valid if c.object == wrong and c.valid_from]
            valid = [c for c in valid if c.object != wrong]
            claim = replace(claim, valid_from=claim.valid_from or (starts[-1] if starts else None))
        valid = [c for c in valid if not (c.is_plan and _moves_plan(claim, c))]
        if claim.status != "cancelled":
            valid.append(claim)
    return valid


def _moves_plan(claim: Claim, plan: Claim) -> bool:
    """Return whether a claim that was told later cancels a plan, moves it, or tells its outcome."""
    if claim.status == "cancelled":
        return claim.object in ("", plan.object)
    is_outcome = claim.is_plan or (claim.end is None and claim.start >= plan.stated_at)
    return claim.object == plan.object and is_outcome


def _refined(claims: Sequence[Claim]) -> list[Claim]:
    """Return the claims; a rough date goes behind what was told to hold within it before.

    Told on 5 January to live in Turku, then in April to have moved "in 2026": the move was later.
    """
    refined: list[Claim] = []
    for claim in claims:
        date = claim.valid_from
        inside = [
            c.stated_at
            for c in refined
            if date
            and not c.valid_from
            and c.stated_at.startswith(date)
            and (c.object != claim.object) != claim.negated
        ]
        refined.append(replace(claim, valid_from=max(inside)) if inside else claim)
    return refined


def _latest_other(valid: Sequence[Claim], object_: str, *, single: bool) -> str | None:
    others = [c.object for c in valid if not c.negated and c.object != object_]
    return others[-1] if others and single else None


def _holders(
    positive: Sequence[Claim], negative: Sequence[Claim], moment: str, *, single: bool
) -> list[Claim]:
    """Return the claims that hold from `moment` on, one for each object."""
    started = [c for c in positive if c.start <= moment and (c.end is None or c.end > moment)]
    if single and started:
        latest = max(c.start for c in started)
        started = [c for c in started if c.start == latest]
        # Two dates that are equal contradict each other; else what was told last counts.
        started = [c for c in started if c.valid_from == c.start] or started[-1:]
    valid = [c for c in started if not _is_ended(c, negative, moment)]
    return list({c.object: c for c in valid}.values())


def _is_ended(claim: Claim, negative: Sequence[Claim], moment: str) -> bool:
    return any(
        n.object in ("", claim.object)
        and n.start <= moment
        and (claim.start, claim.stated_at) < (n.start, n.stated_at)
        for n in negative
    )


def _extend(
    intervals: Sequence[Interval], holders: Sequence[Claim], start: str, end: str | None
) -> list[Interval]:
    """Return the intervals with those of one more stretch of time; adjoining ones are joined."""
    result = list(intervals)
    for claim in holders:
        same = [i for i in result if i.object == claim.object and i.end == start]
        if same:
            joined = replace(
                same[-1],
                end=end,
                messages=tuple(dict.fromkeys((*same[-1].messages, claim.message))),
                planned=same[-1].planned and claim.is_plan,
            )
            result[result.index(same[-1])] = joined
        else:
            result.append(replace(_interval(claim), start=start, end=end))
    return result


def _interval(claim: Claim) -> Interval:
    return Interval(
        object=claim.object,
        start=claim.valid_from or "" if claim.is_plan else claim.start,
        end=claim.end,
        messages=(claim.message,),
        planned=claim.is_plan,
        negated=claim.negated,
    )


def _with_successors(intervals: Sequence[Interval]) -> list[Interval]:
    """Return the intervals with the object that begins where each one ends."""
    starts = {interval.start: interval.object for interval in intervals}
    return [
        replace(interval, successor=starts.get(interval.end) if interval.end else None)
        for interval in intervals
    ]


def _never_true(negative: Iterable[Claim], positive: Sequence[Claim]) -> list[Interval]:
    """Return the intervals of what was never told to hold: "I have not been to Norway"."""
    intervals: dict[str, Interval] = {}
    for claim in negative:
        later = [c.start for c in positive if c.object == claim.object]
        if claim.object and not any(start <= claim.start for start in later):
            end = min(later, default=None)
            intervals.setdefault(claim.object, replace(_interval(claim), end=end))
    return list(intervals.values())
