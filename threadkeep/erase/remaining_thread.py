"""What is kept of a thread that stays, without messages that are forgotten."""

from collections.abc import Callable, Mapping, Set
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import PutOp

from threadkeep.base.user import USER_KEY, acting_as
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.erase.thread_state import Value, without_messages
from threadkeep.graph.agent import builder
from threadkeep.knowledge.branch_head import head_of
from threadkeep.knowledge.message_versions import message_version
from threadkeep.knowledge.stored_thread import StoredThread
from threadkeep.knowledge.stored_thread_items import diff_ops, read_stored_thread
from threadkeep.opened import Opened
from threadkeep.stores.dependencies import ttl_of
from threadkeep.stores.namespaces import threads_of

LAST_NODE = "store_turn"
"""Nothing comes after it, so that no run is owed."""


async def forget_in_thread(opened: Opened, owner: str, thread: str, gone: Set[str]) -> int:
    """Take messages out of a thread's state and out of what is stored of it. Twice is once.

    Older states hold their words and go. The caller holds the thread. Return how many stored
    messages are left, those on branches that were left among them.
    """
    item = await opened.store.aget(threads_of(owner), thread, refresh_ttl=False)
    record = dict(item.value) if item else {}
    # The state first: what is stored tells which messages it stands on.
    way = await _forget_in_state(opened, owner, thread, record, gone)
    before, after = (
        await read_stored_thread(opened.store, owner, thread),
        await read_stored_thread(opened.store, owner, thread),
    )
    positions = {int(v.get("position") or 0) for each, v in way or after.active if each in gone}
    texts = {_text(value) for each, value in before.active if each in gone}
    texts |= {_text(entry["message"]) for entry in before.abandoned.values() if entry["id"] in gone}
    forget_in_kept(after, gone, positions, texts)
    ttl = ttl_of(opened.store, record)
    ops = diff_ops(owner, thread, before, after, ttl)
    if record:
        changed = _record(record, way or before.active, after, gone, positions)
        ops.append(PutOp(threads_of(owner), thread, changed, index=False, ttl=ttl))
    if ops:
        await opened.store.abatch(ops)
    return len(after.active) + len(after.abandoned)


def forget_in_kept(
    kept: StoredThread, gone: Set[str], positions: Set[int], texts: Set[str]
) -> None:
    """Take messages out; those behind them move up, and know again what was said before them."""

    def moved(value: Value, before: str) -> Value:
        place = int(value.get("position") or 0)
        place -= sum(each < place for each in positions)
        return {**value, "position": place, "before": before}

    behind = _behind(kept, gone)
    active: list[tuple[str, Value]] = []
    touched = False
    for message, value in kept.active:
        if message in gone:
            touched = True
            continue
        said = _text(active[-1][1]) if active else ""
        before = said if touched or value.get("before") in texts else str(value.get("before") or "")
        active.append((message, moved(value, before)))
        touched = False
    kept.active = active
    left: dict[str, Value] = {}
    for each, entry in kept.abandoned.items():
        if entry["id"] not in gone:
            after, said = behind(entry["after"])
            value = entry["message"]
            before = said if value.get("before") in texts else str(value.get("before") or "")
            left[each] = {**entry, "after": after, "message": moved(value, before)}
    kept.abandoned = left
    kept.notes = {each: note for each, note in kept.notes.items() if each not in gone}


def _behind(kept: StoredThread, gone: Set[str]) -> Callable[[str], tuple[str, str]]:
    """Return what tells of a version the nearest one before it that stays, and its text."""
    chain: dict[str, tuple[str, str, str]] = {}
    last = ""
    for message, value in kept.active:
        this = message_version(message, _text(value))
        chain[this] = (message, _text(value), last)
        last = this
    for each, entry in kept.abandoned.items():
        chain[each] = (entry["id"], _text(entry["message"]), entry["after"])

    def behind(each: str) -> tuple[str, str]:
        seen: set[str] = set()
        while each in chain and chain[each][0] in gone and each not in seen:
            seen.add(each)
            each = chain[each][2]
        return each, chain[each][1] if each in chain else ""

    return behind


async def _forget_in_state(
    opened: Opened, owner: str, thread: str, record: Mapping[str, Any], gone: Set[str]
) -> list[tuple[str, Value]]:
    """Make the newest state one without them, and the only one; return the messages on its way."""
    place = {"thread_id": thread, "checkpoint_ns": ""}
    newest = await opened.inner_saver.aget_tuple({"configurable": place})
    if newest is None:
        return []
    # Without what follows updates: the store is changed beside it.
    saver = OwnedSaver(opened.inner_saver)
    graph = builder.compile(checkpointer=saver)
    user = str(newest.metadata.get(USER_KEY))
    config = cast(RunnableConfig, {"configurable": {"thread_id": thread, USER_KEY: user}})
    with acting_as(user):
        values = (await graph.aget_state(config)).values
        kept = await read_stored_thread(opened.store, owner, thread)
        kept.switch_to(head_of(values), int(record.get("begins_at") or 0))
        changes = without_messages(values, kept.active, gone)
        await graph.aupdate_state(config, changes, as_node=LAST_NODE)
        await saver.aprune([thread])
    return kept.active


def _record(
    record: Mapping[str, Any],
    way: list[tuple[str, Value]],
    after: StoredThread,
    gone: Set[str],
    positions: Set[int],
) -> Value:
    begins_at = int(record.get("begins_at") or 0)
    changed = dict(record)
    last = record.get("last_message")
    if last in gone:
        order = [each for each, _ in way]
        ahead = order[: order.index(str(last))] if last in order else []
        changed["last_message"] = next((e for e in reversed(ahead) if e not in gone), "")
    stays = [(each, value) for each, value in way if each not in gone] or after.active
    changed["turns"] = sum(value.get("role") == "user" for _, value in stays)
    if begins_at:
        changed["begins_at"] = begins_at - sum(each < begins_at for each in positions)
    for name in ("changed", "corrected"):
        if told := record.get(name):
            changed[name] = {each: v for each, v in told.items() if each not in gone}
    return changed


def _text(value: Mapping[str, Any]) -> str:
    return str(value.get("text") or "")
