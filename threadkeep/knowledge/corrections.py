"""Correct what is remembered: the new wording counts from now on, the old one is its history."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from langgraph.store.base import BaseStore, Item, PutOp
from typing_extensions import TypedDict

from threadkeep.base.clock import now
from threadkeep.base.errors import BadInput
from threadkeep.base.validation import sanitise_text, validate_message
from threadkeep.knowledge.branch_sync import MAX_CHANGES
from threadkeep.knowledge.fact_corrections import Correction, restated, siblings
from threadkeep.knowledge.facts import MAX_CHARACTERS
from threadkeep.knowledge.message_versions import message_version
from threadkeep.knowledge.rebuild import rebuild_knowledge
from threadkeep.knowledge.stored_thread_items import diff_ops, read_stored_thread
from threadkeep.stores.dependencies import ttl_of
from threadkeep.stores.memory_ids import Meant
from threadkeep.stores.namespaces import fact_key, facts_of, threads_of
from threadkeep.stores.pages import ALL

MOST = 100
"""So many wordings of one memory are kept."""
CORRECTABLE = ("user", "assistant")


class CorrectionResult(TypedDict):
    """What a correction did."""

    kind: Literal["message", "fact"]
    id: str
    """Of the memory that stands there now."""
    was: str
    text: str


class Wording(TypedDict):
    """What a memory said at a time."""

    id: str
    text: str
    until: str
    """ISO 8601; empty for what holds now."""
    why: Literal["now", "corrected", "outdated"]


async def correct_message(
    store: BaseStore, owner: str, meant: Meant, text: str
) -> CorrectionResult:
    """Let a message say `text` on every branch and in every fork that has it in this wording.

    Whoever calls holds the threads. Their states follow at their next turn, see
    `threadkeep/knowledge/state_corrections.py`.

    Raises:
        BadInput: the text is empty, too long or the same, or the message is a tool's.
    """
    text, was, value = validate_message(text), meant.text, meant.items[0].value
    if value.get("role") not in CORRECTABLE or "(calls " in was:
        raise BadInput(f"The memory {meant.id!r} is a tool's; only what was said is corrected.")
    _check(meant, value, text)
    at, ops, taught = now().isoformat(), list[PutOp](), False
    for thread in sorted({str(item.namespace[2]) for item in meant.items}):
        before = await read_stored_thread(store, owner, thread)
        kept = before.copy()
        kept.correct(meant.id, was, text, at)
        item = await store.aget(threads_of(owner), thread)
        record = dict(item.value) if item else {}
        ttl = ttl_of(store, record)
        ops += diff_ops(owner, thread, before, kept, ttl)
        taught = taught or before.notes != kept.notes
        if item:
            changed = record.get("changed") or {}
            if meant.id in changed:
                record["changed"] = {**changed, meant.id: message_version(meant.id, text)}
            told = {**(record.get("corrected") or {}), meant.id: at}
            record["corrected"] = dict(list(told.items())[-MAX_CHANGES:])
            ops.append(PutOp(threads_of(owner), thread, record, index=False, ttl=ttl))
    await store.abatch(ops)
    if taught:
        await rebuild_knowledge(store, owner)
    return {"kind": "message", "id": meant.id, "was": was, "text": text}


async def correct_fact(store: BaseStore, owner: str, meant: Meant, text: str) -> CorrectionResult:
    """Let a fact say `text`, a sentence or its object alone; the old fact stays, marked.

    Raises:
        BadInput: it is no fact, was replaced already, or says that already.
    """
    value = meant.items[0].value
    text = sanitise_text(text).strip()
    if meant.kind != "fact":
        raise BadInput(await _made_of(store, owner, value))
    if by := value.get("superseded_by"):
        new = await store.aget(facts_of(owner), str(by))
        said = f"{str(new.value['text'])!r} ({by})" if new else by
        raise BadInput(
            f"The fact {meant.text!r:.80} was replaced by {said:.200}; correct that one."
        )
    if not text or len(text) > 3 * MAX_CHARACTERS:
        raise BadInput(f"A fact has 1 to {3 * MAX_CHARACTERS} characters, not {len(text):,}.")
    stated = restated(value, text)
    _check(meant, value, stated.sentence)
    at = max(now().isoformat(), str(value["recorded_at"]))
    first = Correction(fact=meant.id, stated=stated, at=at)
    facts = await store.asearch(facts_of(owner), limit=ALL, refresh_ttl=False)
    known = {(item.namespace, item.key): dict(item.value) for item in facts}
    made = [first, *siblings(known, owner, first)]
    await store.abatch([each.put(owner) for each in made])
    await rebuild_knowledge(store, owner)
    key = fact_key(stated.subject, stated.predicate, stated.object)
    return {"kind": "fact", "id": key, "was": meant.text, "text": stated.sentence}


async def history_of(store: BaseStore, owner: str, meant: Meant) -> list[Wording]:
    """Return what a memory has said, the oldest wording first."""
    if meant.kind != "fact":
        return _wordings(meant.items[0], "now")
    facts = {i.key: i for i in await store.asearch(facts_of(owner), limit=ALL, refresh_ttl=False)}
    chain, keys = [], [meant.id]
    while keys:
        key = keys.pop(0)
        if key in facts and facts[key] not in chain:
            chain.append(facts[key])
            keys += [k for k, i in facts.items() if i.value.get("superseded_by") == key]
            keys.append(str(facts[key].value.get("superseded_by") or ""))
    chain.sort(key=lambda i: (str(i.value["recorded_at"]), not i.value.get("superseded_by")))
    told: list[Wording] = []
    for item in chain:
        ended = item.value.get("superseded_by")
        after = facts.get(str(ended)) if ended else None
        corrected = after is not None and after.value.get("corrects") == item.key
        told += _wordings(item, ("corrected" if corrected else "outdated") if ended else "now")
    return told


def _wordings(item: Item, why: Literal["now", "corrected", "outdated"]) -> list[Wording]:
    value = item.value
    until = value.get("valid_to") or value.get("corrected_at") or "" if why != "now" else ""
    older: list[Wording] = [
        {"id": item.key, "text": each["text"], "until": each["until"], "why": "corrected"}
        for each in value.get("history") or ()
    ]
    return [
        *older,
        {"id": item.key, "text": str(value.get("text") or ""), "until": str(until), "why": why},
    ]


def _check(meant: Meant, value: Mapping[str, Any], text: str) -> None:
    if text == meant.text:
        raise BadInput(
            f"The {meant.kind} {meant.id!r} says that already; write what it should say."
        )
    if len(value.get("history") or ()) >= MOST:
        raise BadInput(f"The {meant.kind} {meant.id!r} was corrected {MOST} times already.")


async def _made_of(store: BaseStore, owner: str, value: Mapping[str, Any]) -> str:
    facts: Sequence[Item] = await store.asearch(facts_of(owner), limit=ALL, refresh_ttl=False)
    told = [
        f"{item.key[:8]} ({item.value['text']!s:.60})"
        for item in facts
        if item.value.get("subject") == value.get("name") and not item.value.get("superseded_by")
    ]
    those = f"correct one of them: {', '.join(told[:5])}" if told else "correct what taught it"
    return f"What is known of {value.get('name')!r:.60} is made of facts; {those}."
