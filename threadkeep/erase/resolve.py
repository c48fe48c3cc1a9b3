"""Resolve what a user names to a plan: the target, and all that rests on it."""

from collections.abc import Sequence
from dataclasses import replace

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import validate_id
from threadkeep.checkpoints.erasing import count_checkpoints, threads_of_user
from threadkeep.erase.plan import ErasurePlan, Kind, PlannedMessage, Target
from threadkeep.erase.repeated_answers import repeating_answers
from threadkeep.erase.user_items import USER, UserItems, read_user_items
from threadkeep.opened import Opened
from threadkeep.stores.access_tokens import list_tokens
from threadkeep.stores.namespaces import entities_of, facts_of, thread_id_for, threads_of
from threadkeep.stores.pages import items_in
from threadkeep.stores.tombstones import thread_marks


async def resolve(opened: Opened, user: str, target: Target) -> ErasurePlan:
    """Return all that is erased with a target.

    Raises:
        BadInput: the user has no such thing, or several.
    """
    items = await read_user_items(opened, user)
    if target.kind == "user":
        return await _plan_user(items, keep_tokens=target.keep_tokens)
    if target.kind == "thread":
        return await _plan_thread(items, validate_id(target.name, "thread"))
    return await _plan_item(items, target)


async def _plan_user(items: UserItems, *, keep_tokens: bool) -> ErasurePlan:
    threads = await items.thread_ids()
    tokens = await list_tokens(items.opened.store, items.user)
    if not items.namespaces and not threads and not tokens:
        raise BadInput(f"Nothing is kept of user {items.user!r}.")
    plan = _new_plan(items, "user")
    plan.threads = threads
    plan.texts = await items.texts(items.namespaces)
    plan.tokens = [] if keep_tokens else [token.id for token in tokens]
    plan.counts = await items.counts(threads)
    return plan


async def _plan_thread(items: UserItems, name: str) -> ErasurePlan:
    """Plan to erase a thread, and answers in other threads that repeat it."""
    thread = thread_id_for(items.owner, name)
    if thread not in items.thread_names and name in items.thread_names:
        thread = name  # A client of the graph may choose any id.
    namespaces = [space for space in items.namespaces if space[2:] == (thread,)]
    await _require_thread(items, thread, name, has_items=bool(namespaces))
    plan = _new_plan(items, "thread")
    plan.threads = [thread]
    plan.names.setdefault(thread, name)
    record = await items.opened.store.aget(threads_of(items.owner), thread, refresh_ttl=False)
    plan.import_marks = thread_marks(items.owner, thread, record.value if record else {})
    plan.texts = await items.texts(namespaces)
    others = [message for message in await items.messages() if message.thread != thread]
    own_ids = {message.id for message in await items.messages(thread)}
    answers = await repeating_answers(others, set(), plan.texts)
    # A fork has the same messages with the same ids, and keeps them.
    return await _complete(items, plan, [answer for answer in answers if answer.id not in own_ids])


async def _require_thread(items: UserItems, thread: str, name: str, *, has_items: bool) -> None:
    if thread in items.thread_names or has_items:
        return
    saver = items.opened.inner_saver
    checkpoints, _ = await count_checkpoints(saver, [thread])
    if not checkpoints or thread not in await threads_of_user(saver, items.user):
        raise BadInput(
            f"User {items.user!r} has no thread {name!r}; "
            "see threadkeep threads list for the names."
        )


async def _plan_item(items: UserItems, target: Target) -> ErasurePlan:
    """Plan to erase a message, fact or entity with the messages that teach it."""
    kind, key, text, corrected_key = await _find_item(items, target)
    plan, messages = _new_plan(items, kind), await items.messages()
    if kind == "message":
        first = [message for message in messages if message.id == key]
    else:
        plan.knowledge = {key: text}
        await _add_corrected_facts(items, plan, corrected_key)
        plan.texts = list(plan.knowledge.values())
        if target.keep_messages:
            plan.suppress = True
            return plan
        teaching = await items.messages_with_notes_of(set(plan.knowledge))
        first = [
            replace(message, reason="taught it")
            for message in messages
            if (message.thread, message.id) in teaching
        ]
    erased = [*first, *_answers_to(messages, first)]
    ids = {message.id for message in erased}
    # Copies in forks, and other wordings on abandoned branches.
    erased += [message for message in messages if message.id in ids]
    texts = [*plan.texts, *(message.text for message in erased)]
    names = await items.names_in_notes(erased)
    erased += await repeating_answers(messages, ids, texts, names)
    return await _complete(items, plan, erased)


async def _find_item(items: UserItems, target: Target) -> tuple[Kind, str, str, str]:
    """Return kind, key and text of the item that an id names, and the fact that it corrects."""
    name = target.name.strip()
    candidates: dict[tuple[Kind, str], tuple[str, str]] = {}
    if target.kind in ("message", "memory") and name:
        for message in await items.messages():
            if _matches(message.id, name):
                candidates["message", message.id] = (message.text, "")
    kinds: tuple[Kind, ...] = ("fact", "entity")
    for kind, namespace_of in zip(kinds, (facts_of, entities_of), strict=True):
        if target.kind in (kind, "memory") and name:
            async for item in items_in(items.opened.store, namespace_of(items.owner)):
                if _matches(item.key, name):
                    value = item.value
                    text, corrects = str(value.get("text") or ""), str(value.get("corrects") or "")
                    candidates[kind, item.key] = (text, corrects)
    exact = {place: value for place, value in candidates.items() if place[1] == name}
    candidates = exact or candidates
    if not candidates:
        raise BadInput(
            f"There is no {target.kind} {name!r:.60} of this user; the ids are in "
            "threadkeep memory list --json, memory search --json and threads show --json."
        )
    if len(candidates) > 1:
        raise BadInput(
            f"{name!r:.60} is part of {len(candidates)} ids of this user; "
            "write more of the one that is meant."
        )
    ((kind, key), (text, corrects)) = next(iter(candidates.items()))
    return kind, key, text, corrects


def _matches(key: str, name: str) -> bool:
    return key.startswith(name) or key.endswith(name)


async def _add_corrected_facts(items: UserItems, plan: ErasurePlan, key: str) -> None:
    """Add the facts that a fact is a correction of: the messages teach those."""
    while key and key not in plan.knowledge:
        item = await items.opened.store.aget(facts_of(items.owner), key, refresh_ttl=False)
        value = item.value if item else {}
        plan.knowledge[key] = str(value.get("text") or "")
        key = str(value.get("corrects") or "")


def _answers_to(
    messages: Sequence[PlannedMessage], first: Sequence[PlannedMessage]
) -> list[PlannedMessage]:
    """Return the answers to the user's messages in `first`, up to the user's next message."""
    questions = {message.id for message in first if message.role == USER}
    by_branch: dict[tuple[str, bool], list[PlannedMessage]] = {}
    for message in messages:
        by_branch.setdefault((message.thread, message.is_abandoned), []).append(message)
    answers: list[PlannedMessage] = []
    for branch in by_branch.values():
        is_answer = False
        for message in sorted(branch, key=lambda message: message.position):
            if message.id in questions:
                is_answer = True
            elif message.role == USER:
                is_answer = False
            elif is_answer:
                answers.append(replace(message, reason="answers it"))
    return answers


async def _complete(
    items: UserItems, plan: ErasurePlan, messages: Sequence[PlannedMessage]
) -> ErasurePlan:
    """Add messages to a plan, their texts, and the threads that contain them."""
    ids = {message.id for message in messages}
    # The first entry of a message has its reason.
    unique = {(message.thread, message.id): message for message in reversed(messages)}
    plan.messages = list(unique.values())[::-1]
    for message in messages:
        plan.texts += [message.text, *message.older_texts]
    marks = (mark for message in plan.messages for mark in message.import_marks)
    plan.import_marks = list(dict.fromkeys([*plan.import_marks, *marks]))
    if ids:
        threads = {message.thread for message in messages} | await items.threads_that_name(ids)
        plan.changed_threads = sorted(threads - set(plan.threads))
    return plan


def _new_plan(items: UserItems, kind: Kind) -> ErasurePlan:
    return ErasurePlan(user=items.user, owner=items.owner, kind=kind, names=items.thread_names)
