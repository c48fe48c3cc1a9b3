"""Messages, threads or facts of one user go, with what rests on them; the rest stays."""

from collections.abc import Set
from typing import Any

from langgraph.store.base import PutOp

from threadkeep.base.clock import now
from threadkeep.checkpoints.erasing import count_checkpoints, delete_with_tombstone
from threadkeep.erase.plan import Plan
from threadkeep.erase.receipt import Receipt
from threadkeep.erase.remaining_thread import forget_in_thread
from threadkeep.erase.whole_user import LABELS
from threadkeep.knowledge.merge import keys_of_note
from threadkeep.knowledge.notes import Note
from threadkeep.knowledge.rebuild import rebuild_knowledge
from threadkeep.knowledge.suppression import suppressed_key, without_facts
from threadkeep.opened import Opened, Progress
from threadkeep.stores.namespaces import (
    PINS_KEY,
    Namespace,
    abandoned_of,
    all_notes_of,
    entities_of,
    facts_of,
    messages_of,
    notes_of,
    pinned_of,
    suppressed_of,
    threads_of,
    usage_of,
)
from threadkeep.stores.pages import items_in, list_namespaces

REFOLDS = 5
"""Others may note something while entities and facts are made again."""
KNOWN_LABELS = {*LABELS, "suppressed", "pinned"}
BATCH = 500


async def erase_parts(opened: Opened, plan: Plan, receipt: Receipt, tell: Progress) -> None:
    """Take messages out of the threads that stay, delete those that go, and make the rest again."""
    before = await _known(opened, plan.owner)
    if plan.suppress:
        await _suppress(opened, plan, receipt)
    for number, thread in enumerate(plan.threads):
        tell("erasing threads", number, len(plan.threads))
        await _erase_thread(opened, plan.owner, thread, receipt)
    for number, thread in enumerate(plan.touched):
        tell("rewriting threads", number, len(plan.touched))
        await _rewrite_thread(opened, plan, thread, receipt)
    tell("making entities and facts again", 0, 1)
    for _ in range(REFOLDS):
        if not await rebuild_knowledge(opened.store, plan.owner):
            break
    vanished = before - await _known(opened, plan.owner)
    gone = plan.messages | {key for _, key in vanished} | set(plan.known)
    await _unpin(opened, plan.owner, gone)
    removed = await _erase_others(opened, plan.owner, gone)
    for label, number in _by_label(vanished).items():
        _add(receipt.removed, LABELS[label], number)
    _add(receipt.removed, "further items about them", removed)
    await _forget_last_billed(opened, plan)
    await opened.store.items.drop_spaces(plan.owner)
    tell("making entities and facts again", 1, 1)


async def _erase_thread(opened: Opened, owner: str, thread: str, receipt: Receipt) -> None:
    checkpoints, writes = await count_checkpoints(opened.inner_saver, [thread])
    await delete_with_tombstone(opened.inner_saver, thread)
    _add(receipt.removed, "checkpoints", checkpoints)
    _add(receipt.removed, "pending writes", writes)
    for space in (messages_of, abandoned_of, notes_of):
        number = await _delete_all(opened, space(owner, thread))
        _add(receipt.removed, LABELS[space(owner, thread)[1]], number)
    sums = [
        item.key
        async for item in items_in(opened.store, usage_of(owner))
        if item.value.get("thread") == thread
    ]
    await _delete(opened, usage_of(owner), sums)
    _add(receipt.removed, LABELS["usage"], len(sums))
    await opened.store.adelete(threads_of(owner), thread)
    _add(receipt.removed, LABELS["threads"], 1)
    await _forget_family(opened, owner, thread)
    await opened.turn_journal.finish(owner, thread)


async def _forget_family(opened: Opened, owner: str, thread: str) -> None:
    """Let forks no longer say which thread they come from."""
    puts = [
        PutOp(
            threads_of(owner),
            item.key,
            {key: told for key, told in item.value.items() if key != "forked_from"},
            index=False,
            ttl=item.value.get("ttl_minutes"),
        )
        async for item in items_in(opened.store, threads_of(owner))
        if item.value.get("forked_from") == thread
    ]
    if puts:
        await opened.store.abatch(puts)


async def _forget_last_billed(opened: Opened, plan: Plan) -> None:
    """Let sums of usage, which stay, no longer say which message was counted last."""
    puts = [
        PutOp(usage_of(plan.owner), item.key, {**item.value, "once": ""}, index=False)
        async for item in items_in(opened.store, usage_of(plan.owner))
        if item.value.get("once") in plan.messages
    ]
    if puts:
        await opened.store.abatch(puts)


async def _rewrite_thread(opened: Opened, plan: Plan, thread: str, receipt: Receipt) -> None:
    checkpoints, writes = await count_checkpoints(opened.inner_saver, [thread])
    gone = plan.messages
    counts = {
        space(plan.owner, thread): await opened.store.items.count(space(plan.owner, thread))
        for space in (messages_of, abandoned_of, notes_of)
    }
    left = await forget_in_thread(opened, plan.owner, thread, gone)
    for space, number in counts.items():
        _add(receipt.removed, LABELS[space[1]], number - await opened.store.items.count(space))
    if not left:
        # Nothing was said in it any more.
        await _erase_thread(opened, plan.owner, thread, receipt)
        plan.threads.append(thread)
        return
    still, pending = await count_checkpoints(opened.inner_saver, [thread])
    _add(receipt.removed, "checkpoints", checkpoints - still)
    _add(receipt.removed, "pending writes", writes - pending)
    _add(receipt.changed, "states of threads", int(checkpoints > 0))


async def _suppress(opened: Opened, plan: Plan, receipt: Receipt) -> None:
    """Never learn facts again: marks that tell nobody which, and notes without them."""
    keys = {suppressed_key(plan.owner, key) for key in plan.known}
    at = now().isoformat()
    puts = [PutOp(suppressed_of(plan.owner), key, {"at": at}, index=False) for key in sorted(keys)]
    for space in await list_namespaces(opened.store, plan.owner):
        if space[: len(all_notes_of(plan.owner))] == all_notes_of(plan.owner):
            async for item in items_in(opened.store, space):
                noted = Note.of(item)
                if keys_of_note(plan.owner, noted) & set(plan.known):
                    value = without_facts(plan.owner, noted, keys).value
                    puts.append(PutOp(space, item.key, value, index=False))
    await opened.store.abatch(puts)
    _add(receipt.changed, "notes of what messages taught", len(puts) - len(keys))
    _add(receipt.kept, "hashes of facts that are not learned again", len(keys))


async def _unpin(opened: Opened, owner: str, gone: Set[str]) -> None:
    """Take away the pins of what went."""
    item = await opened.store.aget(pinned_of(owner), PINS_KEY, refresh_ttl=False)
    pins = item.value["pins"] if item else []
    kept = [pin for pin in pins if gone.isdisjoint(pin["place"])]
    if len(kept) < len(pins):
        value = {"pins": kept} if kept else None
        await opened.store.abatch([PutOp(pinned_of(owner), PINS_KEY, value, index=False)])


async def _erase_others(opened: Opened, owner: str, gone: Set[str]) -> int:
    """Delete what is kept beside all this and names what went: histories, pins."""
    number = 0
    for space in await list_namespaces(opened.store, owner):
        if len(space) > 1 and space[1] not in KNOWN_LABELS:
            keys = [
                item.key
                async for item in items_in(opened.store, space)
                if item.key in gone or not gone.isdisjoint(_strings([item.value, *space]))
            ]
            await _delete(opened, space, keys)
            number += len(keys)
    return number


async def _known(opened: Opened, owner: str) -> set[tuple[str, str]]:
    """Return labels and keys of the entities and facts there are."""
    return {
        (space[1], item.key)
        for space in (entities_of(owner), facts_of(owner))
        async for item in items_in(opened.store, space)
    }


async def _delete_all(opened: Opened, space: Namespace) -> int:
    keys = [item.key async for item in items_in(opened.store, space)]
    await _delete(opened, space, keys)
    return len(keys)


async def _delete(opened: Opened, space: Namespace, keys: list[str]) -> None:
    for start in range(0, len(keys), BATCH):
        await opened.store.abatch([PutOp(space, k, None) for k in keys[start : start + BATCH]])


def _strings(value: Any) -> set[str]:
    """Return all strings in a value, keys of objects too."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        return set().union(*map(_strings, (*value, *value.values())), set())
    if isinstance(value, list):
        return set().union(*map(_strings, value), set())
    return set()


def _by_label(places: Set[tuple[str, str]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for label, _ in places:
        counts[label] = counts.get(label, 0) + 1
    return counts


def _add(counts: dict[str, int], name: str, number: int) -> None:
    if number > 0:
        counts[name] = counts.get(name, 0) + number
