"""Erase messages, threads or facts of a user with all that rests on them."""

from collections import Counter
from collections.abc import Set

from langgraph.store.base import PutOp

from threadkeep.checkpoints.data_references import digests_in_bytes
from threadkeep.checkpoints.erasing import (
    count_checkpoints,
    delete_with_tombstone,
    raw_values_of,
)
from threadkeep.erase.erase_messages import erase_messages
from threadkeep.erase.plan import ErasurePlan
from threadkeep.erase.receipt import DAMAGED_LABEL, LABELS, Receipt, add_count
from threadkeep.erase.related_items import (
    clear_fork_origins,
    clear_usage_references,
    delete_items,
    delete_pins,
    delete_related_items,
)
from threadkeep.knowledge.merge_note import keys_of_note
from threadkeep.knowledge.notes import Note
from threadkeep.knowledge.rebuild import Evidence, read_evidence, rebuild_knowledge
from threadkeep.knowledge.suppression import suppressed_key, without_facts
from threadkeep.opened import Opened, Progress
from threadkeep.stores.blobs import blobs_of_messages, delete_uses, evidence_of_blobs
from threadkeep.stores.hybrid import HybridStore
from threadkeep.stores.namespaces import (
    abandoned_of,
    all_notes_of,
    entities_of,
    facts_of,
    messages_of,
    notes_of,
    suppressed_of,
    threads_of,
    usage_of,
)
from threadkeep.stores.pages import items_in, list_namespaces
from threadkeep.stores.quarantine import damaged_records, discard_damaged

MAX_REBUILDS = 5
"""Another process may store a note during a rebuild."""


async def erase_parts(
    opened: Opened, plan: ErasurePlan, receipt: Receipt, report: Progress
) -> None:
    """Erase threads, take messages out of others, and rebuild entities and facts."""
    owner, before = plan.owner, await _knowledge_keys(opened, plan.owner)
    evidence = await read_evidence(opened.store, owner)
    if plan.suppress:
        await _suppress_facts(opened, plan, evidence, receipt)
    for number, thread in enumerate(plan.threads):
        report("erasing threads", number, len(plan.threads))
        await _erase_thread(opened, plan, thread, receipt)
    for number, thread in enumerate(plan.changed_threads):
        report("rewriting threads", number, len(plan.changed_threads))
        await _rewrite_thread(opened, plan, thread, receipt)
    await _erase_damaged(opened, plan, receipt)
    report("rebuilding entities and facts", 0, 1)
    await _rebuild(opened.store, owner)
    removed = before - await _knowledge_keys(opened, owner)
    erased = plan.message_ids | {key for _, key in removed} | set(plan.knowledge)
    # Corrections and merges may be of a fact or an entity under another name.
    erased |= {own for own, key in evidence.moved_keys.items() if key in erased}
    erased |= evidence.name_keys - (await read_evidence(opened.store, owner)).name_keys
    await delete_pins(opened.store, owner, erased)
    for label, number in Counter(label for label, _ in removed).items():
        receipt.count(LABELS[label], number)
    related = await delete_related_items(opened.store, owner, erased)
    receipt.count("further items about them", related)
    if related:
        await _rebuild(opened.store, owner)
    await clear_usage_references(opened.store, owner, plan.message_ids)
    await opened.store.items.drop_spaces(owner)
    report("rebuilding entities and facts", 1, 1)


async def _rebuild(store: HybridStore, owner: str) -> None:
    for _ in range(MAX_REBUILDS):
        if not await rebuild_knowledge(store, owner):
            break


async def _erase_thread(opened: Opened, plan: ErasurePlan, thread: str, receipt: Receipt) -> None:
    store, saver, owner = opened.store, opened.inner_saver, plan.owner
    checkpoints, writes = await count_checkpoints(saver, [thread])
    await delete_with_tombstone(saver, thread)
    receipt.count("checkpoints", checkpoints)
    receipt.count("pending writes", writes)
    for namespace_of in (messages_of, abandoned_of, notes_of):
        namespace = namespace_of(owner, thread)
        keys = [item.key async for item in items_in(store, namespace)]
        await delete_items(store, namespace, keys)
        receipt.count(LABELS[namespace[1]], len(keys))
    usage = [
        item.key
        async for item in items_in(store, usage_of(owner))
        if item.value.get("thread") == thread
    ]
    await delete_items(store, usage_of(owner), usage)
    receipt.count(LABELS["usage"], len(usage))
    await _erase_blobs(opened, plan, thread, set(), receipt)
    await store.adelete(threads_of(owner), thread)
    receipt.count(LABELS["threads"], 1)
    await clear_fork_origins(store, owner, thread)
    await opened.turn_journal.delete(owner, thread)


async def _rewrite_thread(opened: Opened, plan: ErasurePlan, thread: str, receipt: Receipt) -> None:
    saver, items = opened.inner_saver, opened.store.items
    checkpoints, writes = await count_checkpoints(saver, [thread])
    namespaces = [of(plan.owner, thread) for of in (messages_of, abandoned_of, notes_of)]
    counts = {namespace: await items.count(namespace) for namespace in namespaces}
    remaining = await erase_messages(opened, plan.owner, thread, plan.message_ids)
    for namespace, number in counts.items():
        receipt.count(LABELS[namespace[1]], number - await items.count(namespace))
    if not remaining:
        await _erase_thread(opened, plan, thread, receipt)
        plan.threads.append(thread)
        return
    used = await blobs_of_messages(opened.store, plan.owner, thread)
    used |= digests_in_bytes([value async for value in raw_values_of(saver, thread)])
    await _erase_blobs(opened, plan, thread, used, receipt)
    new_checkpoints, new_writes = await count_checkpoints(saver, [thread])
    receipt.count("checkpoints", checkpoints - new_checkpoints)
    receipt.count("pending writes", writes - new_writes)
    add_count(receipt.changed, "states of threads", int(checkpoints > 0))


async def _erase_blobs(
    opened: Opened, plan: ErasurePlan, thread: str, used: Set[str], receipt: Receipt
) -> None:
    """Delete the pictures and files that a thread uses no more, and no other thread uses."""
    deleted = await delete_uses(opened.store, plan.owner, thread, used)
    receipt.count(LABELS["blobs"], len(deleted))
    plan.texts += await evidence_of_blobs(opened.store, plan.owner, deleted.items())


async def _erase_damaged(opened: Opened, plan: ErasurePlan, receipt: Receipt) -> None:
    """Delete records of the erased threads, messages and facts that were set aside."""
    keys = plan.message_ids | set(plan.knowledge)
    damaged = [
        record
        for record in await damaged_records(opened.store, plan.owner)
        if record.is_of(plan.owner, plan.threads, keys)
    ]
    receipt.count(DAMAGED_LABEL, await discard_damaged(opened.store, damaged))


async def _suppress_facts(
    opened: Opened, plan: ErasurePlan, evidence: Evidence, receipt: Receipt
) -> None:
    """Store keyed hashes of the facts, and remove the facts from all notes."""
    store, owner, names = opened.store, plan.owner, evidence.names
    own_keys = {own for own, key in evidence.moved_keys.items() if key in plan.knowledge}
    keys = {suppressed_key(owner, key) for key in own_keys | set(plan.knowledge)}
    value = {"at": opened.clock().isoformat()}
    puts = [PutOp(suppressed_of(owner), key, value, index=False) for key in sorted(keys)]
    notes = all_notes_of(owner)
    for namespace in await list_namespaces(store, owner):
        if namespace[: len(notes)] != notes:
            continue
        async for item in items_in(store, namespace):
            note = Note.of(item)
            if keys_of_note(owner, note, names) & set(plan.knowledge):
                stripped = without_facts(owner, note, keys, names).value
                puts.append(PutOp(namespace, item.key, stripped, index=False))
    await store.abatch(puts)
    add_count(receipt.changed, "notes of what messages taught", len(puts) - len(keys))
    add_count(receipt.kept, "hashes of facts that are not learned again", len(keys))


async def _knowledge_keys(opened: Opened, owner: str) -> set[tuple[str, str]]:
    """Return label and key of all entities and facts."""
    return {
        (namespace[1], item.key)
        for namespace in (entities_of(owner), facts_of(owner))
        async for item in items_in(opened.store, namespace)
    }
