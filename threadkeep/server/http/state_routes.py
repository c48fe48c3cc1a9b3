"""The state of a thread: read it, also of long ago, and change it."""

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import convert_to_messages
from langchain_core.runnables import RunnableConfig
from langgraph.errors import InvalidUpdateError
from langgraph.types import StateSnapshot
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from threadkeep.base.errors import BadInput
from threadkeep.graph.state import State
from threadkeep.server.http.events import json_of
from threadkeep.server.http.request import (
    Asking,
    asking,
    body_of,
    checkpoint_of,
    number_of,
    object_of,
    thread_id_of,
)
from threadkeep.server.http.thread_objects import own_thread

MOST_STATES = 1_000


async def read(request: Request) -> Response:
    """Read the newest state, or the one of a checkpoint."""
    asked, thread = await _own(request)
    told = await body_of(request) if request.method == "POST" else {}
    at = checkpoint_of(request.path_params.get("checkpoint_id")) or _named(told)
    config = await _config(asked, thread, at)
    return _json(_snapshot(await asked.memory.graph.aget_state(config)))


async def change(request: Request) -> Response:
    """Change the state, as if a node had; memory follows."""
    asked, thread = await _own(request)
    told = await body_of(request)
    values, node = _values(told.get("values")), told.get("as_node")
    if node is not None and not isinstance(node, str):
        raise BadInput(f"as_node {node!r:.40} is no name of a node.")
    try:
        saved = await asked.memory.update_state(
            thread, values, node, _named(told), user_id=asked.user
        )
    except (InvalidUpdateError, ValueError, TypeError) as error:
        said = " ".join(str(error).split())[:200]
        raise BadInput(f"The state cannot be changed like this ({said}).") from None
    return _json({"checkpoint": _checkpoint(saved)})


async def history(request: Request) -> Response:
    """Read the states of a thread, the newest first."""
    asked, thread = await _own(request)
    if request.method == "GET":
        asked_for = request.query_params.get("limit", "10")
        told: dict[str, Any] = {"limit": int(asked_for) if asked_for.isdigit() else asked_for}
    else:
        told = await body_of(request)
    limit = number_of(told.get("limit"), "limit", 10, MOST_STATES)
    config = await _config(asked, thread, _named(told))
    before = await _config(asked, thread, _named({"checkpoint": _before(told)}))
    place = before if _before(told) else None
    states = asked.memory.graph.aget_state_history(
        config,
        before=place,
        limit=limit,
        filter=object_of(told.get("metadata"), "metadata") or None,
    )
    return _json([_snapshot(state) async for state in states])


async def _config(asked: Asking, thread: str, checkpoint_id: str | None) -> RunnableConfig:
    ref = await asked.memory.thread(thread, user_id=asked.user)
    return ref.config(checkpoint_id)


async def _own(request: Request) -> tuple[Asking, str]:
    asked, thread = asking(request), thread_id_of(request.path_params["thread_id"])
    await own_thread(asked, thread)
    return asked, thread


def _named(told: Mapping[str, Any]) -> str | None:
    inside = object_of(told.get("checkpoint"), "checkpoint").get("checkpoint_id")
    return checkpoint_of(told.get("checkpoint_id") or inside)


def _before(told: Mapping[str, Any]) -> dict[str, Any] | None:
    before = told.get("before")
    if isinstance(before, dict):
        return object_of(before.get("configurable") or before, "before")
    return {"checkpoint_id": before} if before else None


def _values(told: Any) -> dict[str, Any] | None:
    """Return the values to set.

    Raises:
        BadInput: a field is unknown, or the messages are none.
    """
    if told is None:
        return None
    if not isinstance(told, dict):
        raise BadInput("values is no JSON object.")
    for name in told:
        if name not in State.__annotations__:
            fields = ", ".join(State.__annotations__)
            raise BadInput(f"values: there is no field {name!r:.40}; the fields are {fields}.")
    messages = told.get("messages")
    if messages is None:
        return told
    try:
        read_ = convert_to_messages(messages if isinstance(messages, list) else [messages])
    except Exception as error:
        said = " ".join(str(error).split())[:200]
        raise BadInput(f"values.messages are no messages ({said}).") from None
    return {**told, "messages": read_}


def _snapshot(state: StateSnapshot) -> dict[str, Any]:
    parent = _checkpoint(state.parent_config) if state.parent_config else None
    here = _checkpoint(state.config)
    return {
        "values": state.values,
        "next": list(state.next),
        "tasks": [
            {
                "id": task.id,
                "name": task.name,
                "path": list(task.path),
                "error": str(task.error) if task.error else None,
                "interrupts": list(task.interrupts),
                "checkpoint": None,
                "state": None,
                "result": task.result,
            }
            for task in state.tasks
        ],
        "metadata": state.metadata or {},
        "created_at": state.created_at,
        "checkpoint": here,
        "parent_checkpoint": parent,
        "checkpoint_id": here["checkpoint_id"],
        "parent_checkpoint_id": parent["checkpoint_id"] if parent else None,
        "interrupts": list(state.interrupts),
    }


def _checkpoint(config: RunnableConfig) -> dict[str, Any]:
    run = config["configurable"]
    return {
        "thread_id": run["thread_id"],
        "checkpoint_ns": run.get("checkpoint_ns", ""),
        "checkpoint_id": run.get("checkpoint_id"),
    }


def _json(value: Any) -> Response:
    return Response(json_of(value), media_type="application/json")


routes = [
    Route("/threads/{thread_id}/state", read, methods=["GET"]),
    Route("/threads/{thread_id}/state", change, methods=["POST"]),
    Route("/threads/{thread_id}/state/checkpoint", read, methods=["POST"]),
    Route("/threads/{thread_id}/state/{checkpoint_id}", read, methods=["GET"]),
    Route("/threads/{thread_id}/history", history, methods=["GET", "POST"]),
]
