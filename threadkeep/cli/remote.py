"""An agent behind a server's address, reached through LangGraph's own client."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import fields
from typing import Any, cast

import httpx
from langchain_core.messages import AIMessageChunk, convert_to_messages
from langchain_core.runnables import RunnableConfig
from langgraph.pregel.remote import RemoteGraph
from langgraph_sdk.client import LangGraphClient
from pydantic import SecretStr

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import validate_id, validate_message
from threadkeep.cli.remote_errors import remote_errors
from threadkeep.erase.plan import Target
from threadkeep.erase.receipt import Receipt
from threadkeep.graph.context import Context
from threadkeep.knowledge.corrections import CorrectionResult
from threadkeep.knowledge.explanation import Explanation
from threadkeep.knowledge.pins import Pin
from threadkeep.turn import Event, Turn

GRAPH = "agent"
TIMEOUT = httpx.Timeout(connect=5, read=300, write=30, pool=5)


@asynccontextmanager
async def open_remote(url: str, token: SecretStr | None) -> AsyncIterator["RemoteAgent"]:
    """Connect to a server, and see whether it knows the token.

    Raises:
        RemoteServerFailed: it does not, there is no server, or it is another one.
    """
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
    http = httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT)
    async with LangGraphClient(http) as client:
        agent = RemoteAgent(client, url)
        await agent.threads(limit=1)
        yield agent


class RemoteAgent:
    """The graph of a server, and the routes that go with it."""

    notice = ""

    def __init__(self, client: LangGraphClient, url: str) -> None:
        self._client = client
        self._url = url
        self._graph = RemoteGraph(GRAPH, client=client)
        self._ids: dict[str, str] = {}

    async def finish(self, context: Context) -> list[str]:
        """Do nothing: the server finishes by itself what a crash cut off."""
        return []

    async def choices(self, user: str, name: str) -> dict[str, Any]:
        """Return nothing: the server knows what was chosen for its threads."""
        return {}

    async def last_thread(self, user: str) -> str:
        """Return the name of the thread that was used last.

        Raises:
            BadInput: there is none.
        """
        found = await self.threads(limit=1)
        if not found:
            raise BadInput("There is no thread to continue; leave --continue out.")
        name = str(found[0]["name"])
        self._ids[name] = str(found[0]["thread_id"])
        return name

    async def say(self, context: Context, name: str, text: str) -> Turn:
        """Begin a turn with the user's message."""
        text, name = validate_message(text), validate_id(name, "thread")
        return Turn(self._run(context, name, text))

    async def undo(self, context: Context, name: str, turns: int = 1) -> list[str]:
        """Take back the newest turns of a thread."""
        thread = await self._id(name)
        done = await self._post(f"/me/threads/{thread}/undo", {"turns": turns})
        return [str(text) for text in done["said"]]

    async def fork_thread(
        self, context: Context, name: str, new: str, at: int | None = None
    ) -> None:
        """Begin another thread with the first turns of one."""
        thread = await self._id(name)
        told = {"name": new} | ({"at": at} if at is not None else {})
        self._ids[new] = str((await self._post(f"/me/threads/{thread}/fork", told))["thread_id"])

    async def why(self, context: Context, name: str) -> Explanation:
        """Return what the last answer of a thread rests on."""
        return cast(Explanation, await self._get(f"/me/threads/{await self._id(name)}/why"))

    async def correct(self, context: Context, given: str, text: str) -> CorrectionResult:
        """Let a memory say something else from now on."""
        told = {"id": given, "text": text}
        return cast(CorrectionResult, await self._post("/me/memories/correct", told))

    async def pin(self, context: Context, given: str) -> Pin:
        """Let a memory always be shown."""
        told = {"id": given, "context": _chosen(context)}
        return cast(Pin, await self._post("/me/pins", told))

    async def unpin(self, context: Context, given: str) -> str:
        """Let a memory no longer always be shown; return its id."""
        return str((await self._delete("/me/pins", id=given))["id"])

    async def pins(self, context: Context) -> list[Pin]:
        """Return what is pinned, the earliest pin first."""
        return list((await self._get("/me/pins", context=json.dumps(_chosen(context))))["pins"])

    async def plan_forgetting(self, target: Target) -> list[str]:
        """Return what would go, in lines."""
        return list((await self._post("/me/forget/plan", _named(target)))["lines"])

    async def forget(self, target: Target) -> Receipt:
        """Forget it, and return the receipt."""
        if target.kind == "user":
            told = await self._delete("/me")
        else:
            told = await self._post("/me/forget", _named(target))
        self._ids.clear()
        names = {each.name for each in fields(Receipt)}
        return Receipt(**{name: value for name, value in told.items() if name in names})

    async def threads(self, **query: Any) -> list[dict[str, Any]]:
        """Return the user's threads, the last used first."""
        return list((await self._get("/me/threads", **query))["threads"])

    async def _run(self, context: Context, name: str, text: str) -> AsyncIterator[Event]:
        config: RunnableConfig = {
            "configurable": {"thread_id": await self._begun(name)},
            "metadata": {"thread_name": name},
        }
        async with remote_errors(self._url):
            stream = self._graph.astream(
                {"messages": [{"role": "user", "content": text}]},
                config,
                context=_chosen(context),
                stream_mode=["messages", "updates"],
                on_disconnect="cancel",
            )
            async for event in _told(stream):
                yield event

    async def _id(self, name: str) -> str:
        """Return the id of the thread of that name, as the server makes it."""
        if name not in self._ids:
            self._ids[name] = str((await self.threads(name=name))[0]["thread_id"])
        return self._ids[name]

    async def _begun(self, name: str) -> str:
        """Return the id of the thread, which is there then, and known by its name."""
        if name in self._ids:
            return self._ids[name]
        thread = await self._id(name)
        async with remote_errors(self._url):
            await self._client.threads.create(
                thread_id=thread, metadata={"thread_name": name}, if_exists="do_nothing"
            )
        return thread

    async def _get(self, path: str, **query: Any) -> dict[str, Any]:
        async with remote_errors(self._url):
            return dict(await self._client.http.get(path, params=query))

    async def _delete(self, path: str, **query: Any) -> dict[str, Any]:
        async with remote_errors(self._url):
            http = self._client.http
            return dict(await http.request_reconnect(path, "DELETE", params=query))

    async def _post(self, path: str, told: Mapping[str, Any]) -> dict[str, Any]:
        async with remote_errors(self._url):
            return dict(await self._client.http.post(path, json=dict(told)))


def _named(target: Target) -> dict[str, Any]:
    return {"kind": target.kind, "name": target.name, "keep_messages": target.keep_messages}


def _chosen(context: Context) -> dict[str, Any]:
    """Return what was chosen of a context; whose it is, the server knows."""
    return context.model_dump(exclude_unset=True, exclude={"user_id"})


async def _told(stream: AsyncIterator[Any]) -> AsyncIterator[Event]:
    """Yield events as a graph of this process would."""
    async for part in stream:
        mode, data = part[0], part[1]
        if mode == "messages":
            chunk, about = data
            if chunk.get("type") == "AIMessageChunk":
                yield mode, (AIMessageChunk(content=chunk.get("content") or ""), about)
        elif mode == "updates":
            yield mode, {node: _update(update) for node, update in data.items()}


def _update(update: Mapping[str, Any] | None) -> dict[str, Any]:
    told = dict(update or {})
    if "messages" in told:
        told["messages"] = convert_to_messages(told["messages"])
    return told
