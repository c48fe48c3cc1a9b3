"""What a user's calls to models took, by thread, day and purpose."""

from collections.abc import Iterable
from typing import Literal

from langgraph.store.base import BaseStore
from typing_extensions import TypedDict

from threadkeep.stores.namespaces import usage_of

Purpose = Literal["answer", "summary", "extraction"]
By = Literal["day", "thread", "purpose"]
PAGE = 1_000


class Usage(TypedDict):
    """Calls, and the tokens they took."""

    calls: int
    prompt: int
    reply: int
    cached: int
    """Of the prompt's, those that the provider had in its cache."""
    estimated: int
    """Calls whose tokens the provider did not report, and which are counted here instead."""


class Billed(Usage):
    """One record: what one thread took on one day for one purpose."""

    thread: str
    day: str
    purpose: str


NOTHING = Usage(calls=0, prompt=0, reply=0, cached=0, estimated=0)


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
    """Add to the sums of a thread's day; with `once`, the same id is not added twice running.

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
    await store.aput(namespace, key, {**value, **added([_usage(old), usage])}, index=False)


async def read_usage(store: BaseStore, user: str) -> list[Billed]:
    """Return all records of a user, the oldest day first."""
    found: list[Billed] = []
    while page := await store.asearch(usage_of(user), limit=PAGE, offset=len(found)):
        found += [
            Billed(
                thread=str(item.value.get("thread", "")),
                day=str(item.value.get("day", "")),
                purpose=str(item.value.get("purpose", "")),
                **_usage(item.value),
            )
            for item in page
        ]
        if len(page) < PAGE:
            break
    return sorted(found, key=lambda each: (each["day"], each["thread"], each["purpose"]))


def sums(records: Iterable[Billed], by: By) -> dict[str, Usage]:
    """Return the sums by day, thread or purpose."""
    summed: dict[str, Usage] = {}
    for record in records:
        summed[record[by]] = added([summed.get(record[by], NOTHING), record])
    return summed


def added(usages: Iterable[Usage]) -> Usage:
    """Return the sum."""
    total = dict.fromkeys(NOTHING, 0)
    for usage in usages:
        for name in total:
            total[name] += usage[name]  # type: ignore[literal-required]
    return _usage(total)


def _usage(value: object) -> Usage:
    told = value if isinstance(value, dict) else {}
    return Usage(
        calls=int(told.get("calls", 0)),
        prompt=int(told.get("prompt", 0)),
        reply=int(told.get("reply", 0)),
        cached=int(told.get("cached", 0)),
        estimated=int(told.get("estimated", 0)),
    )
