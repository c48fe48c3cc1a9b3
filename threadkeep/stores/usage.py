"""Usage: tokens of a user's model calls, by thread, day and purpose."""

from collections.abc import Iterable
from typing import Literal

from langgraph.store.base import BaseStore
from typing_extensions import TypedDict

from threadkeep.stores.namespaces import usage_of

Purpose = Literal["answer", "summary", "extraction"]
By = Literal["day", "thread", "purpose"]
PAGE = 1_000


class Usage(TypedDict):
    """A number of calls, and their tokens."""

    calls: int
    prompt: int
    reply: int
    cached: int
    """Tokens of the prompt that were in the provider's cache."""
    estimated: int
    """Calls whose tokens the provider did not report, and which are counted here instead."""


class UsageRecord(Usage):
    """The usage of one thread on one day for one purpose."""

    thread: str
    day: str
    purpose: str


NO_USAGE = Usage(calls=0, prompt=0, reply=0, cached=0, estimated=0)


async def add_usage(
    store: BaseStore,
    user: str,
    thread: str,
    day: str,
    purpose: Purpose,
    usage: Usage,
    *,
    once: str = "",
) -> None:
    """Add to the sums of a thread's day; an id passed as `once` is not added twice in a row.

    One thread has one turn at a time and each purpose one node, so that no two write one record.
    """
    if not usage["calls"]:
        return
    namespace, key = usage_of(user), f"{thread} {day} {purpose}"
    item = await store.aget(namespace, key)
    old = item.value if item else {}
    if once and old.get("once") == once:
        return
    value = {"thread": thread, "day": day, "purpose": purpose, "once": once}
    await store.aput(namespace, key, {**value, **sum_usage([_usage(old), usage])}, index=False)


async def read_usage(store: BaseStore, user: str) -> list[UsageRecord]:
    """Return all records of a user, the oldest day first."""
    records: list[UsageRecord] = []
    while page := await store.asearch(usage_of(user), limit=PAGE, offset=len(records)):
        records += [
            UsageRecord(
                thread=str(item.value.get("thread", "")),
                day=str(item.value.get("day", "")),
                purpose=str(item.value.get("purpose", "")),
                **_usage(item.value),
            )
            for item in page
        ]
        if len(page) < PAGE:
            break
    return sorted(records, key=lambda record: (record["day"], record["thread"], record["purpose"]))


def group_usage(records: Iterable[UsageRecord], by: By) -> dict[str, Usage]:
    """Return the sums by day, thread or purpose."""
    summed: dict[str, Usage] = {}
    for record in records:
        summed[record[by]] = sum_usage([summed.get(record[by], NO_USAGE), record])
    return summed


def sum_usage(usages: Iterable[Usage]) -> Usage:
    """Return the sum."""
    total = dict.fromkeys(NO_USAGE, 0)
    for usage in usages:
        for name in total:
            total[name] += usage[name]  # type: ignore[literal-required]
    return _usage(total)


def _usage(value: object) -> Usage:
    fields = value if isinstance(value, dict) else {}
    return Usage(
        calls=int(fields.get("calls", 0)),
        prompt=int(fields.get("prompt", 0)),
        reply=int(fields.get("reply", 0)),
        cached=int(fields.get("cached", 0)),
        estimated=int(fields.get("estimated", 0)),
    )
