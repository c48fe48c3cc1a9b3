"""List facts: those that hold now, or at another time, or as they were known at another time."""

import re
from collections.abc import Mapping
from typing import Any, Literal

from langgraph.store.base import BaseStore

from threadkeep.base.ages import age_at
from threadkeep.base.clock import now, parse_time
from threadkeep.base.errors import BadInput
from threadkeep.base.fact_time import holds_at, is_period, is_plan, is_true_at
from threadkeep.checkpoints.thread_records import NO_LIMIT
from threadkeep.knowledge.listing import Row, user_first
from threadkeep.knowledge.rebuild import read_evidence, replay
from threadkeep.knowledge.stored_names import names_by_keys
from threadkeep.stores.namespaces import entity_key, facts_of

FactStatus = Literal["holds", "planned", "denied", "over", "corrected"]
_DAY = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


async def list_facts(
    store: BaseStore,
    owner: str,
    limit: int,
    *,
    history: bool = False,
    as_of: str | None = None,
    told_by: str | None = None,
    about: str | None = None,
) -> list[Row]:
    """Return facts by what they are about, those about the user first, the newest last.

    `as_of` is the time at which they hold, by default now; with `history` all are returned.
    `told_by` leaves out what was said after it. Both are a year, a month, a day or a moment, ISO
    8601. `about` is a name of a subject or an object. Each row has a `status`.

    Raises:
        BadInput: a time cannot be read.
    """
    moment = validate_moment(as_of, "as_of") if as_of else now().isoformat()
    if told_by:
        last = f"{validate_moment(told_by, 'told_by')}~"
        evidence = (await read_evidence(store, owner)).until(last)
        knowledge = replay(owner, evidence)
        facts = {
            key: value for (space, key), value in knowledge.items() if space == facts_of(owner)
        }
    else:
        items = await store.asearch(facts_of(owner), limit=NO_LIMIT)
        facts = {item.key: item.value for item in items}
    rows = [
        {"kind": "fact", "id": key, "status": status_of(value, moment)}
        | value
        | _age(value, moment)
        for key, value in facts.items()
    ]
    rows = [row for row in rows if history or row["status"] in ("holds", "planned", "denied")]
    if about is not None:
        name = (await names_by_keys(store, owner, [entity_key(about)])).of(about)
        rows = [row for row in rows if _is_about(row, name)]
    rows.sort(key=lambda row: (*user_first(row["subject"]), row["recorded_at"]))
    return rows[:limit]


def _age(value: Mapping[str, Any], moment: str) -> dict[str, Any]:
    """Return how old somebody is at the time, for a fact about an age."""
    age = age_at(value, moment)
    return {"age": age.years, "age_is_exact": age.exact} if age else {}


def status_of(fact: Mapping[str, Any], moment: str) -> FactStatus:
    """Return what a fact is at a time, a moment or a period."""
    if is_true_at(fact, moment):
        return "holds"
    if is_plan(fact, moment):
        return "planned"
    if holds_at(fact, moment):
        return "denied"
    return "over" if fact.get("intervals") or not _was_asserted(fact) else "corrected"


def _was_asserted(fact: Mapping[str, Any]) -> bool:
    """Return whether a fact without a time was ever told to be so: no plan, no denial."""
    claims = fact.get("claims") or ()
    return bool(fact.get("corrected_at")) or any(
        claim.get("status", "asserted") == "asserted" and not claim.get("negated")
        for claim in claims
    )


def validate_moment(text: str, field: str) -> str:
    """Return a year, a month, a day or a moment, ISO 8601, as facts compare with it.

    Raises:
        BadInput: it is none.
    """
    text = text.strip()
    if is_period(text):
        return text
    if _DAY.fullmatch(text):
        raise BadInput(f"{field} {text!r} is no day of the calendar; write it like 2026-03-04.")
    return parse_time(text, field).isoformat()


def _is_about(row: Row, name: str) -> bool:
    return name.casefold() in (row["subject"].casefold(), row["object"].casefold())
