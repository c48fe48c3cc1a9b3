"""From what somebody names to all that goes with it, among what is their own."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from langgraph.store.base import BaseStore, Item

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import validate_id
from threadkeep.checkpoints.erasing import count_checkpoints, raw_values_of, threads_of_user
from threadkeep.erase.plan import Plan, Said, Target
from threadkeep.erase.repeated_answers import echoes
from threadkeep.erase.string_matcher import StringMatcher
from threadkeep.knowledge.merge import keys_of_note
from threadkeep.knowledge.notes import Note
from threadkeep.opened import Opened
from threadkeep.stores.access_tokens import list_tokens
from threadkeep.stores.namespaces import (
    Namespace,
    entities_of,
    facts_of,
    notes_of,
    thread_called,
    user_key,
)
from threadkeep.stores.namespaces import threads_of as records_of
from threadkeep.stores.pages import items_in, list_namespaces

OF_THREAD = ("messages", "abandoned", "notes")
USER = "user"


async def resolve(opened: Opened, user: str, target: Target) -> Plan:
    """Return all that goes with what a user names.

    Raises:
        BadInput: there is no such thing of this user's, or more than one.
    """
    owner = await user_key(opened.store, user)
    mine = _Mine(opened, user, owner, await list_namespaces(opened.store, owner))
    await mine.read_records()
    if target.kind == "user":
        return await mine.everything(keep_tokens=target.keep_tokens)
    if target.kind == "thread":
        return await mine.thread(validate_id(target.name, "thread"))
    return await mine.memory(target)


class _Mine:
    """One user's memory, as it is before anything goes."""

    def __init__(self, opened: Opened, user: str, owner: str, spaces: list[Namespace]) -> None:
        self.opened = opened
        self.store: BaseStore = opened.store
        self.user = user
        self.owner = owner
        self.spaces = spaces
        self.names: dict[str, str] = {}

    async def read_records(self) -> None:
        async for record in items_in(self.store, records_of(self.owner)):
            self.names[record.key] = str(record.value.get("name") or record.key)

    async def everything(self, *, keep_tokens: bool) -> Plan:
        """Return the plan to forget all."""
        threads = await self._threads()
        if not self.spaces and not threads and not await list_tokens(self.store, self.user):
            raise BadInput(f"Nothing is kept of user {self.user!r}.")
        plan = Plan(user=self.user, owner=self.owner, kind="user", names=self.names)
        plan.threads = threads
        async for text in self._texts(self.spaces):
            plan.texts.append(text)
        if not keep_tokens:
            plan.tokens = [each.id for each in await list_tokens(self.store, self.user)]
        plan.counts = await self._counts(threads)
        return plan

    async def thread(self, name: str) -> Plan:
        """Return the plan to forget one thread, and what rests on it alone."""
        thread = thread_called(self.owner, name)
        if thread not in self.names and name in self.names:
            thread = name  # Whoever runs the graph may have chosen the id.
        spaces = [each for each in self.spaces if each[1:2] != () and each[2:] == (thread,)]
        checkpoints, _ = await count_checkpoints(self.opened.inner_saver, [thread])
        owns = checkpoints and thread in await threads_of_user(self.opened.inner_saver, self.user)
        if thread not in self.names and not spaces and not owns:
            raise BadInput(
                f"User {self.user!r} has no thread {name!r}; "
                "see threadkeep threads list for the names."
            )
        plan = Plan(user=self.user, owner=self.owner, kind="thread", names=self.names)
        plan.threads = [thread]
        self.names.setdefault(thread, name)
        plan.texts = [text async for text in self._texts(spaces)]
        said = [each async for each in self.said() if each.thread != thread]
        here = {each.id async for each in self.said(thread)}
        # A fork has the same messages under the same ids, as its own.
        repeated = [each for each in await echoes(said, set(), plan.texts) if each.id not in here]
        return await self._rest(plan, repeated)

    async def memory(self, target: Target) -> Plan:
        """Return the plan to forget the message, fact or entity of an id."""
        plan = await self._meant(target)
        said = [each async for each in self.said()]
        if plan.kind == "message":
            wanted = {each.id for each in plan.said}
            plan.said = []
            first = [each for each in said if each.id in wanted]
        else:
            plan.texts = list(plan.known.values())
            if target.keep_messages:
                plan.suppress = True
                return plan
            teaching = await self._teaching(set(plan.known))
            first = [
                replace(each, why="taught it")
                for each in said
                if (each.thread, each.id) in teaching
            ]
        going = [*first, *self._answers(said, first)]
        ids = {each.id for each in going}
        # Copies of them in forks, and other wordings on branches that were left.
        going += [each for each in said if each.id in ids]
        texts = [*plan.texts, *(each.text for each in going)]
        going += await echoes(said, ids, texts, await self._telling(going))
        return await self._rest(plan, going)

    async def said(self, thread: str = "") -> AsyncIterator[Said]:
        """Yield all messages, those on branches that were left too."""
        for space in self.spaces:
            if space[1:2] not in (("messages",), ("abandoned",)) or len(space) < 3:
                continue
            if thread and space[2] != thread:
                continue
            async for item in items_in(self.store, space):
                yield _said(item)

    async def _meant(self, target: Target) -> Plan:
        """Return the plan with that alone which an id, or its beginning, means."""
        wanted = target.name.strip()
        plan = Plan(user=self.user, owner=self.owner, kind="message", names=self.names)
        found: dict[tuple[str, str], str] = {}
        older: dict[str, str] = {}
        if target.kind in ("message", "memory") and wanted:
            async for each in self.said():
                if each.id.startswith(wanted) or each.id.endswith(wanted):
                    found["message", each.id] = each.text
        for kind, space in (("fact", facts_of), ("entity", entities_of)):
            if target.kind in (kind, "memory") and wanted:
                async for item in items_in(self.store, space(self.owner)):
                    if item.key.startswith(wanted) or item.key.endswith(wanted):
                        found[kind, item.key] = str(item.value.get("text") or "")
                        older[item.key] = str(item.value.get("corrects") or "")
        exact = {place: text for place, text in found.items() if place[1] == wanted}
        found = exact or found
        what = "memory" if target.kind == "memory" else target.kind
        if not found:
            raise BadInput(
                f"There is no {what} {wanted!r:.60} of this user; the ids are in "
                "threadkeep memory list --json, memory search --json and threads show --json."
            )
        if len(found) > 1:
            raise BadInput(
                f"{wanted!r:.60} is part of {len(found)} ids of this user; "
                "write more of the one that is meant."
            )
        ((kind, key), text) = next(iter(found.items()))
        plan.kind = kind  # type: ignore[assignment]
        if kind == "message":
            plan.said = [Said(id=key, role="", text=text, time="", thread="")]
        else:
            plan.known = {key: text}
            await self._with_corrected(plan, older.get(key, ""))
        return plan

    async def _with_corrected(self, plan: Plan, key: str) -> None:
        """Let what a fact was corrected from go with it: that is what the messages taught."""
        while key and key not in plan.known:
            item = await self.store.aget(facts_of(self.owner), key, refresh_ttl=False)
            plan.known[key] = str(item.value.get("text") or "") if item else ""
            key = str(item.value.get("corrects") or "") if item else ""

    async def _teaching(self, keys: set[str]) -> set[tuple[str, str]]:
        """Return thread and id of the messages whose notes make any of these facts or entities."""
        found = set()
        for space in self.spaces:
            if space[1:2] == ("notes",):
                async for item in items_in(self.store, space):
                    if keys_of_note(self.owner, Note.of(item)) & keys:
                        found.add((space[2], item.key))
        return found

    def _answers(self, said: Sequence[Said], first: Sequence[Said]) -> list[Said]:
        """Return what was answered to messages of the user: all up to the next one of theirs."""
        asked = {each.id for each in first if each.role == USER}
        answers: list[Said] = []
        by_branch: dict[tuple[str, bool], list[Said]] = {}
        for each in said:
            by_branch.setdefault((each.thread, each.left), []).append(each)
        for told in by_branch.values():
            after = False
            for each in sorted(told, key=lambda one: one.position):
                after = each.id in asked or (after and each.role != USER)
                if after and each.id not in asked:
                    answers.append(replace(each, why="answers it"))
        return answers

    async def _telling(self, going: Iterable[Said]) -> list[str]:
        """Return the names of people and things in what messages taught."""
        names: list[str] = []
        for each in going:
            item = await self.store.aget(
                notes_of(self.owner, each.thread), each.id, refresh_ttl=False
            )
            if item is not None:
                told = Note.of(item).extraction
                names += [entity.name for entity in told.entities]
                names += [fact.object for fact in told.facts]
        return [name for name in names if name != USER]

    async def _rest(self, plan: Plan, going: Sequence[Said]) -> Plan:
        """Complete a plan: all copies of the messages that go, and the threads that hold them."""
        ids = {each.id for each in going}
        plan.said = list({(each.thread, each.id): each for each in reversed(going)}.values())[::-1]
        plan.texts += [text for each in going for text in (each.text, *each.older)]
        if not ids:
            return plan
        holding = {each.thread for each in going}
        holding |= await self._naming(ids)
        plan.touched = sorted(holding - set(plan.threads))
        return plan

    async def _naming(self, ids: set[str]) -> set[str]:
        """Return the threads whose checkpoints name any of these messages."""
        matcher, found = StringMatcher(ids), set()
        for thread in await self._threads():
            async for text in raw_values_of(self.opened.inner_saver, thread):
                if matcher.search(text):
                    found.add(thread)
                    break
        return found

    async def _threads(self) -> list[str]:
        """Return the ids of all of the user's threads."""
        spaces = {each[2] for each in self.spaces if each[1:2] and each[1] in OF_THREAD}
        kept = await threads_of_user(self.opened.inner_saver, self.user)
        return sorted({*spaces, *self.names, *kept})

    async def _texts(self, spaces: Iterable[Namespace]) -> AsyncIterator[str]:
        """Yield the words that are kept in namespaces."""
        for space in spaces:
            async for item in items_in(self.store, space):
                value = item.value.get("message") if space[1:2] == ("abandoned",) else item.value
                if isinstance(value, dict):
                    for told in words_in(value):
                        yield told

    async def _counts(self, threads: Sequence[str]) -> dict[str, int]:
        counts = {"threads": len(threads)}
        for space in self.spaces:
            label = space[1] if len(space) > 1 else "items"
            if label in ("messages", "entities", "facts"):
                number = await self.opened.store.items.count(space)
                counts[label] = counts.get(label, 0) + number
        checkpoints, _ = await count_checkpoints(self.opened.inner_saver, threads)
        return {**counts, "checkpoints": checkpoints}


def words_in(value: Mapping[str, Any]) -> Iterator[str]:
    """Yield what an item says, and what it said before it was corrected."""
    for key in ("text", "name", "title"):
        if isinstance(told := value.get(key), str):
            yield told
    for older in value.get("history") or ():
        if isinstance(older, dict) and isinstance(told := older.get("text"), str):
            yield told


def _said(item: Item) -> Said:
    left = item.namespace[1] == "abandoned"
    value = item.value["message"] if left else item.value
    return Said(
        id=str(item.value["id"]) if left else item.key,
        role=str(value.get("role") or ""),
        text=str(value.get("text") or ""),
        time=str(value.get("time") or ""),
        thread=item.namespace[2],
        older=tuple(words_in({"history": value.get("history")})),
        position=int(value.get("position") or 0),
        left=left,
    )
