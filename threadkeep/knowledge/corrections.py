"""Correct a message or a fact: the new wording holds from now on, the old one is its history."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from langgraph.store.base import BaseStore, PutOp
from typing_extensions import TypedDict

from threadkeep.base.clock import now
from threadkeep.base.errors import BadInput
from threadkeep.base.validation import sanitise_text, validate_message
from threadkeep.knowledge.branch_sync import MAX_CHANGES
from threadkeep.knowledge.fact_corrections import Correction, related_corrections, restate
from threadkeep.knowledge.facts import MAX_CHARACTERS, key_of
from threadkeep.knowledge.message_versions import message_version
from threadkeep.knowledge.rebuild import read_evidence, rebuild_knowledge
from threadkeep.knowledge.stored_thread_items import diff_ops, read_stored_thread
from threadkeep.stores.dependencies import ttl_of
from threadkeep.stores.memory_ids import MemoryMatch
from threadkeep.stores.namespaces import facts_of, threads_of
from threadkeep.stores.pages import ALL

MAX_WORDINGS = 100
"""Of one memory."""
CORRECTABLE_ROLES = ("user", "assistant")


class CorrectionResult(TypedDict):
    """What a correction changed."""

    kind: Literal["message", "fact"]
    id: str
    """Of the memory with the new wording."""
    was: str
    text: str


async def correct_message(
    store: BaseStore, owner: str, target: MemoryMatch, text: str
) -> CorrectionResult:
    """Replace the text of a message, on every branch and in every fork with this wording.

    The caller holds the locks of the threads. Their states are corrected at their next turn, see
    `threadkeep/knowledge/state_corrections.py`.

    Raises:
        BadInput: the text is empty, too long or the same, or the message is a tool's.
    """
    text, old_text, value = validate_message(text), target.text, target.items[0].value
    if value.get("role") not in CORRECTABLE_ROLES or "(calls " in old_text:
        raise BadInput(f"The memory {target.id!r} is a tool's; only what was said is corrected.")
    _check_change(target, value, text)
    at, ops, notes_changed = now().isoformat(), list[PutOp](), False
    for thread in sorted({str(item.namespace[2]) for item in target.items}):
        before = await read_stored_thread(store, owner, thread)
        after = before.copy()
        after.correct(target.id, old_text, text, at)
        item = await store.aget(threads_of(owner), thread)
        record = dict(item.value) if item else {}
        ttl = ttl_of(store, record)
        ops += diff_ops(owner, thread, before, after, ttl)
        notes_changed = notes_changed or before.notes != after.notes
        if item:
            record |= _record_changes(record, target.id, text, at)
            ops.append(PutOp(threads_of(owner), thread, record, index=False, ttl=ttl))
    await store.abatch(ops)
    if notes_changed:
        await rebuild_knowledge(store, owner)
    return {"kind": "message", "id": target.id, "was": old_text, "text": text}


async def correct_fact(
    store: BaseStore, owner: str, target: MemoryMatch, text: str
) -> CorrectionResult:
    """Replace a fact by `text`, a sentence or a new object; the old fact is marked superseded.

    Raises:
        BadInput: the target is no fact, is superseded, or says so already.
    """
    value = target.items[0].value
    if target.kind != "fact":
        raise BadInput(await _entity_message(store, owner, str(value.get("name"))))
    if successor_key := value.get("superseded_by"):
        successor = await store.aget(facts_of(owner), str(successor_key))
        by = f"{str(successor.value['text'])!r} ({successor_key})" if successor else successor_key
        raise BadInput(f"The fact {target.text!r:.80} was replaced by {by:.200}; correct that one.")
    text = sanitise_text(text).strip()
    if not text or len(text) > 3 * MAX_CHARACTERS:
        raise BadInput(f"A fact has 1 to {3 * MAX_CHARACTERS} characters, not {len(text):,}.")
    fact = restate(value, text)
    _check_change(target, value, fact.sentence)
    at = max(now().isoformat(), str(value["recorded_at"]))
    correction = Correction(fact=target.id, stated=fact, at=at)
    items = await store.asearch(facts_of(owner), limit=ALL, refresh_ttl=False)
    knowledge = {(item.namespace, item.key): dict(item.value) for item in items}
    moved = (await read_evidence(store, owner)).moved_keys
    corrections = [
        replace(one, stated_keys=tuple(sorted(k for k, key in moved.items() if key == one.fact)))
        for one in (correction, *related_corrections(knowledge, owner, correction))
    ]
    await store.abatch([correction.put_op(owner) for correction in corrections])
    await rebuild_knowledge(store, owner)
    return {"kind": "fact", "id": key_of(fact), "was": target.text, "text": fact.sentence}


def _record_changes(
    record: Mapping[str, Any], message: str, text: str, at: str
) -> dict[str, dict[str, str]]:
    """Return the fields of a thread's record that name the corrected message."""
    corrected = {**(record.get("corrected") or {}), message: at}
    fields = {"corrected": dict(list(corrected.items())[-MAX_CHANGES:])}
    changed = record.get("changed") or {}
    if message in changed:
        fields["changed"] = {**changed, message: message_version(message, text)}
    return fields


def _check_change(target: MemoryMatch, value: Mapping[str, Any], text: str) -> None:
    if text == target.text:
        raise BadInput(
            f"The {target.kind} {target.id!r} says that already; write what it should say."
        )
    if len(value.get("history") or ()) >= MAX_WORDINGS:
        raise BadInput(
            f"The {target.kind} {target.id!r} was corrected {MAX_WORDINGS} times already."
        )


async def _entity_message(store: BaseStore, owner: str, name: str) -> str:
    """Return a sentence that names the facts to correct in place of an entity."""
    items = await store.asearch(facts_of(owner), limit=ALL, refresh_ttl=False)
    facts = [
        f"{item.key[:8]} ({item.value['text']!s:.60})"
        for item in items
        if item.value.get("subject") == name and not item.value.get("superseded_by")
    ]
    remedy = f"correct one of them: {', '.join(facts[:5])}" if facts else "correct what taught it"
    return f"What is known of {name!r:.60} is made of facts; {remedy}."
