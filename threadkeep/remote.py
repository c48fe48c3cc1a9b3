"""The memory behind a server's address, reached through LangGraph's own client."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields
from typing import IO, Any, cast

import httpx
from langchain_core.messages import AIMessageChunk, convert_to_messages
from langchain_core.runnables import RunnableConfig
from langgraph.pregel.remote import RemoteGraph
from langgraph_sdk.client import LangGraphClient
from pydantic import SecretStr

from threadkeep.base.errors import BadInput
from threadkeep.base.ids import new_thread_name
from threadkeep.base.validation import validate_id, validate_message
from threadkeep.erase.plan import Target
from threadkeep.erase.receipt import Receipt
from threadkeep.knowledge.corrections import CorrectionResult
from threadkeep.knowledge.explanation import Explanation
from threadkeep.knowledge.identities import IdentityChange
from threadkeep.knowledge.listing import Row, name_rows
from threadkeep.knowledge.pins import Pin
from threadkeep.knowledge.wording_history import Wording
from threadkeep.opened import Progress
from threadkeep.remote_errors import remote_errors
from threadkeep.stores.indexing import Progress as RestoreProgress
from threadkeep.stores.usage import By, Usage
from threadkeep.transfer.import_conversations import ImportResult
from threadkeep.transfer.report import render_report
from threadkeep.transfer.restore import RestoreResult
from threadkeep.turn import Event, Turn

GRAPH = "agent"
TIMEOUT = httpx.Timeout(connect=5, read=300, write=30, pool=5)
MOST = 10_000
"""Rows that the server lists at most."""


@asynccontextmanager
async def open_remote(url: str, token: SecretStr | str | None) -> AsyncIterator["RemoteMemory"]:
    """Connect to a server, and see whether it knows the token.

    Raises:
        RemoteServerFailed: it does not, there is no server, or it is another one.
    """
    secret = token.get_secret_value() if isinstance(token, SecretStr) else token
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    http = httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT)
    async with LangGraphClient(http) as client:
        memory = RemoteMemory(client, url)
        await memory.threads(limit=1)
        yield memory


class RemoteMemory:
    """The operations of `Memory`, against a server, for the user of the token.

    The server knows the user: `user_id` must be left out. Errors are RemoteServerFailed, with the
    exit code that the same error has on this machine.
    """

    notice = ""

    def __init__(self, client: LangGraphClient, url: str) -> None:
        self._client = client
        self._url = url
        self._graph = RemoteGraph(GRAPH, client=client)
        self._ids: dict[str, str] = {}
        """Ids of threads by name."""

    async def model_notice(self, context: Mapping[str, Any], *, user_id: str | None = None) -> str:
        """Return nothing: the server chooses its model."""
        _refuse_user(user_id)
        return ""

    async def say(
        self,
        text: str,
        *,
        thread: str | None = None,
        context: Mapping[str, Any] | None = None,
        user_id: str | None = None,
    ) -> Turn:
        """Begin a turn with the user's message."""
        _refuse_user(user_id)
        text = validate_message(text)
        name = validate_id(thread, "thread") if thread is not None else new_thread_name()
        return Turn(self._run(dict(context or {}), name, text), name)

    async def recover(self, *, limit: float | None = None, user_id: str | None = None) -> list[str]:
        """Do nothing: the server itself finishes what a crash cut off."""
        _refuse_user(user_id)
        return []

    async def unanswered(self, *, user_id: str | None = None) -> list[Row]:
        """Return the threads with messages that got no answer."""
        _refuse_user(user_id)
        return list((await self._get("/me/unanswered"))["threads"])

    async def retry(
        self,
        thread: str,
        *,
        context: Mapping[str, Any] | None = None,
        user_id: str | None = None,
    ) -> Turn:
        """Send a message of a thread that got no answer again.

        Raises:
            BadInput: the thread has none.
        """
        for row in await self.unanswered(user_id=user_id):
            if row["thread"] == thread:
                return await self.say(row["messages"][-1], thread=thread, context=context)
        raise BadInput(f"Thread {thread!r} has no message without an answer.")

    async def discard(self, thread: str, *, user_id: str | None = None) -> list[str]:
        """Drop the messages of a thread that got no answer; return them."""
        _refuse_user(user_id)
        path = f"/me/threads/{await self._id(thread)}/discard"
        return [str(text) for text in (await self._post(path, {}))["messages"]]

    async def undo(self, thread: str, turns: int = 1, *, user_id: str | None = None) -> list[str]:
        """Take back the newest turns of a thread; return the user's messages in them."""
        _refuse_user(user_id)
        path = f"/me/threads/{await self._id(thread)}/undo"
        return [str(text) for text in (await self._post(path, {"turns": turns}))["said"]]

    async def fork(
        self, thread: str, new: str, at: int | None = None, *, user_id: str | None = None
    ) -> str:
        """Begin another thread with the first turns of one; return its id."""
        _refuse_user(user_id)
        path = f"/me/threads/{await self._id(thread)}/fork"
        body = {"name": new} | ({"at": at} if at is not None else {})
        self._ids[new] = str((await self._post(path, body))["thread_id"])
        return self._ids[new]

    async def threads(self, limit: int = 50, *, user_id: str | None = None) -> list[Row]:
        """Return the threads, the last used first."""
        _refuse_user(user_id)
        rows = (await self._get("/me/threads", limit=limit))["threads"]
        return [{"id": row.pop("thread_id")} | row for row in rows]

    async def messages(
        self, thread: str, limit: int = 1_000, *, user_id: str | None = None
    ) -> list[Row]:
        """Return the newest messages of a thread, in their order."""
        _refuse_user(user_id)
        path = f"/me/threads/{await self._id(thread)}/messages"
        return list((await self._get(path, limit=limit))["messages"])

    async def last_thread(self, purpose: str = "", *, user_id: str | None = None) -> str:
        """Return the name of the thread that was used last.

        Raises:
            BadInput: there is none.
        """
        rows = await self.threads(limit=1, user_id=user_id)
        if not rows:
            purpose = purpose or "to continue; leave --continue out"
            raise BadInput(f"There is no thread {purpose}.")
        name = str(rows[0]["name"])
        self._ids[name] = str(rows[0]["id"])
        return name

    async def thread_context(self, thread: str, *, user_id: str | None = None) -> dict[str, Any]:
        """Return nothing: what was set for the thread is known to the server alone."""
        _refuse_user(user_id)
        return {}

    async def search(self, query: str, limit: int = 10, *, user_id: str | None = None) -> list[Row]:
        """Return what answers a query, the best first."""
        _refuse_user(user_id)
        return list((await self._get("/me/search", query=query, limit=limit))["memories"])

    async def facts(
        self,
        limit: int = 100,
        *,
        history: bool = False,
        as_of: str | None = None,
        told_by: str | None = None,
        about: str | None = None,
        user_id: str | None = None,
    ) -> list[Row]:
        """Return the facts that hold, now or at another time."""
        _refuse_user(user_id)
        times = {"as_of": as_of, "told_by": told_by, "about": about}
        query = {key: value for key, value in times.items() if value is not None}
        rows = await self._get("/me/facts", limit=limit, history=json.dumps(history), **query)
        return list(rows["facts"])

    async def entities(self, limit: int = 100, *, user_id: str | None = None) -> list[Row]:
        """Return the people, places and things that are known."""
        _refuse_user(user_id)
        return list((await self._get("/me/entities", limit=limit))["entities"])

    async def merge_entities(
        self, name: str, other: str, *, user_id: str | None = None
    ) -> IdentityChange:
        """Let a name be another name of an entity."""
        _refuse_user(user_id)
        body = {"name": name, "other": other}
        return cast(IdentityChange, await self._post("/me/entities/merge", body))

    async def split_entity(
        self,
        name: str,
        new: str | None = None,
        messages: Sequence[str] = (),
        *,
        user_id: str | None = None,
    ) -> IdentityChange:
        """Let another name of an entity be an entity of its own."""
        _refuse_user(user_id)
        body = {"name": name, "new": new, "messages": list(messages)}
        return cast(IdentityChange, await self._post("/me/entities/split", body))

    async def undo_entity_change(
        self, change: str, *, user_id: str | None = None
    ) -> IdentityChange:
        """Take back a merge or a split."""
        _refuse_user(user_id)
        return cast(IdentityChange, await self._post("/me/entities/undo", {"id": change}))

    async def entity_changes(self, *, user_id: str | None = None) -> list[IdentityChange]:
        """Return the merges and splits of entities, the oldest first."""
        _refuse_user(user_id)
        return list((await self._get("/me/entities/changes"))["changes"])

    async def why(self, thread: str | None = None, *, user_id: str | None = None) -> Explanation:
        """Return what the last answer of a thread rests on."""
        _refuse_user(user_id)
        name = thread or await self.last_thread("to ask about")
        thread_id = await self._id(name, " with an answer")
        return cast(Explanation, await self._get(f"/me/threads/{thread_id}/why"))

    async def correct(
        self, memory_id: str, text: str, *, user_id: str | None = None
    ) -> CorrectionResult:
        """Let a memory say something else from now on."""
        _refuse_user(user_id)
        body = {"id": memory_id, "text": text}
        return cast(CorrectionResult, await self._post("/me/memories/correct", body))

    async def history(self, memory_id: str, *, user_id: str | None = None) -> list[Wording]:
        """Return what a memory has said, the oldest wording first."""
        _refuse_user(user_id)
        return list((await self._get("/me/memories/history", id=memory_id))["history"])

    async def pin(
        self,
        memory_id: str,
        *,
        context: Mapping[str, Any] | None = None,
        user_id: str | None = None,
    ) -> Pin:
        """Show a memory to the model in every turn."""
        _refuse_user(user_id)
        body = {"id": memory_id, "context": dict(context or {})}
        return cast(Pin, await self._post("/me/pins", body))

    async def unpin(self, memory_id: str, *, user_id: str | None = None) -> str:
        """Show a memory only when it is recalled; return its id."""
        _refuse_user(user_id)
        return str((await self._delete("/me/pins", id=memory_id))["id"])

    async def pins(
        self, *, context: Mapping[str, Any] | None = None, user_id: str | None = None
    ) -> list[Pin]:
        """Return what is pinned, the earliest pin first."""
        _refuse_user(user_id)
        query = json.dumps(dict(context or {}))
        return list((await self._get("/me/pins", context=query))["pins"])

    async def usage(self, by: By = "day", *, user_id: str | None = None) -> dict[str, Usage]:
        """Return what calls to models took, by name, the total last."""
        _refuse_user(user_id)
        answer = await self._get("/me/usage", by=by)
        rows: dict[str, Usage] = dict(answer["usage"])
        if by == "thread":
            rows = name_rows(rows, {row["id"]: row["name"] for row in await self.threads(MOST)})
        return {**rows, "total": answer["total"]} if rows else {}

    async def plan_forget(self, target: Target, *, user_id: str | None = None) -> list[str]:
        """Return what would go, in lines."""
        _refuse_user(user_id)
        return list((await self._post("/me/forget/plan", _body_of(target)))["lines"])

    async def forget(
        self,
        target: Target,
        *,
        verify: bool = False,
        progress: Progress | None = None,
        user_id: str | None = None,
    ) -> Receipt:
        """Erase what is named; return the receipt.

        Raises:
            BadInput: `verify` is asked for; only the server's own machine can read its files.
        """
        _refuse_user(user_id)
        if verify:
            raise BadInput("--verify reads files: on the server, threadkeep forget does so.")
        if target.kind == "user":
            receipt = await self._delete("/me")
        else:
            receipt = await self._post("/me/forget", _body_of(target))
        self._ids.clear()
        names = {field.name for field in fields(Receipt)}
        return Receipt(**{name: value for name, value in receipt.items() if name in names})

    async def export(
        self, thread: str | None = None, *, user_id: str | None = None
    ) -> AsyncIterator[str]:
        """Yield all that is kept as JSON lines."""
        _refuse_user(user_id)
        query = {"thread": thread} if thread is not None else {}
        http = self._client.http.client
        async with (
            remote_errors(self._url),
            http.stream("GET", "/me/export", params=query) as answer,
        ):
            if answer.is_error:
                await answer.aread()  # Before the stream is closed, for the error's sentence.
            answer.raise_for_status()
            async for line in answer.aiter_lines():
                yield f"{line}\n"

    async def report(self, *, user_id: str | None = None) -> AsyncIterator[str]:
        """Yield all that is known as one HTML page, in pieces."""
        async for piece in render_report(self.export(user_id=user_id)):
            yield piece

    async def restore(
        self,
        file: IO[bytes],
        *,
        name: str = "the export",
        again: bool = False,
        progress: RestoreProgress | None = None,
        user_id: str | None = None,
    ) -> RestoreResult:
        """Take in an export."""
        _refuse_user(user_id)
        options = {"format": "export", "name": name, "again": again}
        return RestoreResult(**await self._import(file, options))

    async def import_file(
        self,
        file: IO[bytes],
        *,
        name: str = "the file",
        format: str | None = None,  # noqa: A002  (the command's name)
        thread: str | None = None,
        skip_bad: bool = False,
        again: bool = False,
        progress: RestoreProgress | None = None,
        user_id: str | None = None,
    ) -> ImportResult:
        """Take in a file of any format of `threadkeep import`, or a ZIP archive of them."""
        _refuse_user(user_id)
        fields = {"format": format, "thread": thread}
        options: dict[str, Any] = {key: value for key, value in fields.items() if value is not None}
        options |= {"name": name, "skip_bad": skip_bad, "again": again}
        answer = await self._import(file, options)
        lists = {key: tuple(answer[key]) for key in ("faults", "notes")}
        renamed = tuple((str(old), str(new)) for old, new in answer["renamed"])
        return ImportResult(**{**answer, **lists, "renamed": renamed})

    async def _import(self, file: IO[bytes], options: Mapping[str, Any]) -> dict[str, Any]:
        await asyncio.to_thread(file.seek, 0)
        http = self._client.http.client
        async with remote_errors(self._url):
            answer = await http.post("/me/import", params=options, content=_chunks(file))
            answer.raise_for_status()
            return dict(answer.json())

    async def _run(self, context: Mapping[str, Any], name: str, text: str) -> AsyncIterator[Event]:
        config: RunnableConfig = {
            "configurable": {"thread_id": await self._created(name)},
            "metadata": {"thread_name": name},
        }
        async with remote_errors(self._url):
            stream = self._graph.astream(
                {"messages": [{"role": "user", "content": text}]},
                config,
                context=dict(context),
                stream_mode=["messages", "updates"],
                on_disconnect="cancel",
            )
            async for event in _events(stream):
                yield event

    async def _id(self, name: str, condition: str = "") -> str:
        """Return the id of the thread of that name; `condition` stands in the error sentence.

        Raises:
            BadInput: there is no such thread.
        """
        if name not in self._ids:
            row = await self._row(name)
            if "created" not in row:
                raise BadInput(
                    f"There is no thread {name!r}{condition}; "
                    "see threadkeep threads list for the names."
                )
            self._ids[name] = str(row["thread_id"])
        return self._ids[name]

    async def _row(self, name: str) -> Row:
        """Return the row of a thread; of a new one it has only the id that it will have."""
        return dict((await self._get("/me/threads", name=name))["threads"][0])

    async def _created(self, name: str) -> str:
        """Create the thread if there is none of that name; return its id."""
        if name not in self._ids:
            thread_id = str((await self._row(name))["thread_id"])
            metadata = {"thread_name": name} if name != thread_id else {}
            async with remote_errors(self._url):
                await self._client.threads.create(
                    thread_id=thread_id, metadata=metadata, if_exists="do_nothing"
                )
            self._ids[name] = thread_id
        return self._ids[name]

    async def _get(self, path: str, **query: Any) -> dict[str, Any]:
        async with remote_errors(self._url):
            return dict(await self._client.http.get(path, params=query))

    async def _delete(self, path: str, **query: Any) -> dict[str, Any]:
        async with remote_errors(self._url):
            http = self._client.http
            return dict(await http.request_reconnect(path, "DELETE", params=query))

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        async with remote_errors(self._url):
            return dict(await self._client.http.post(path, json=dict(body)))


def _refuse_user(user_id: str | None) -> None:
    if user_id is not None:
        raise BadInput("The server knows the user by the token; leave user_id out.")


def _body_of(target: Target) -> dict[str, Any]:
    return {"kind": target.kind, "name": target.name, "keep_messages": target.keep_messages}


async def _events(stream: AsyncIterator[Any]) -> AsyncIterator[Event]:
    """Yield events as a graph of this process would."""
    async for part in stream:
        mode, data = part[0], part[1]
        if mode == "messages":
            chunk, metadata = data
            if chunk.get("type") == "AIMessageChunk":
                yield mode, (AIMessageChunk(content=chunk.get("content") or ""), metadata)
        elif mode == "updates":
            yield mode, {node: _update(update) for node, update in data.items()}


def _update(update: Mapping[str, Any] | None) -> dict[str, Any]:
    changes = dict(update or {})
    if "messages" in changes:
        changes["messages"] = convert_to_messages(changes["messages"])
    return changes


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := file.read(65_536):
        yield chunk
