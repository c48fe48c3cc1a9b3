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
    RequestContext,
    body_of,
    checkpoint_of,
    number_of,
    object_of,
    request_context,
    thread_id_of,
)
from threadkeep.server.http.thread_objects import own_thread

MOST_STATES = 1_000


async def read(request: Request) -> Response:
    """Read the newest state, or the one of a checkpoint."""
    ctx, thread = await _own(request)
    body = await body_of(request) if request.method == "POST" else {}
    at = checkpoint_of(request.path_params.get("checkpoint_id")) or _checkpoint_id(body)
    config = await _config(ctx, thread, at)
    return _json(_snapshot(await ctx.memory.graph.aget_state(config)))


async def change(request: Request) -> Response:
    """Change the state, as if a node had; memory follows."""
    ctx, thread = await _own(request)
    body = await body_of(request)
    values, node = _values(body.get("values")), body.get("as_node")
    if node is not None and not isinstance(node, str):
        raise BadInput(f"as_node {node!r:.40} is no name of a node.")
    try:
        saved = await ctx.memory.update_state(
            thread, values, node, _checkpoint_id(body), user_id=ctx.user
        )
    except (InvalidUpdateError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f"The state cannot be changed like this ({reason}).") from None
    return _json({"checkpoint": _checkpoint(saved)})


async def history(request: Request) -> Response:
    """Read the states of a thread, the newest first."""
    ctx, thread = await _own(request)
    if request.method == "GET":
        limit_text = request.query_params.get("limit", "10")
        body: dict[str, Any] = {"limit": int(limit_text) if limit_text.isdigit() else limit_text}
    else:
        body = await body_of(request)
    limit = number_of(body.get("limit"), "limit", 10, MOST_STATES)
    config = await _config(ctx, thread, _checkpoint_id(body))
    before = await _config(ctx, thread, _checkpoint_id({"checkpoint": _before(body)}))
    place = before if _before(body) else None
    states = ctx.memory.graph.aget_state_history(
        config,
        before=place,
        limit=limit,
        filter=object_of(body.get("metadata"), "metadata") or None,
    )
    return _json([_snapshot(state) async for state in states])


async def _config(ctx: RequestContext, thread: str, checkpoint_id: str | None) -> RunnableConfig:
    ref = await ctx.memory.thread(thread, user_id=ctx.user)
    return ref.config(checkpoint_id)


async def _own(request: Request) -> tuple[RequestContext, str]:
    ctx, thread = request_context(request), thread_id_of(request.path_params["thread_id"])
    await own_thread(ctx, thread)
    return ctx, thread


def _checkpoint_id(body: Mapping[str, Any]) -> str | None:
    internal_client = object_of(body.get("checkpoint"), "checkpoint").get("checkpoint_id")
    return checkpoint_of(body.get("checkpoint_id") or internal_client)


def _before(body: Mapping[str, Any]) -> dict[str, Any] | None:
    before = body.get("before")
    if isinstance(before, dict):
        return object_of(before.get("configurable") or before, "before")
    return {"checkpoint_id": before} if before else None


def _values(body: Any) -> dict[str, Any] | None:
    """Return the values to set.

    Raises:
        BadInput: a field is unknown, or the messages are none.
    """
    if body is None:
        return None
    if not isinstance(body, dict):
        raise BadInput("values is no JSON object.")
    for name in body:
        if name not in State.__annotations__:
            fields = ", ".join(State.__annotations__)
            raise BadInput(f"values: there is no field {name!r:.40}; the fields are {fields}.")
    messages = body.get("messages")
    if messages is None:
        return body
    try:
        read_ = convert_to_messages(messages if isinstance(messages, list) else [messages])
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f"values.messages are no messages ({reason}).") from None
    return {**body, "messages": read_}


def _snapshot(state: StateSnapshot) -> dict[str, Any]:
    parent = _checkpoint(state.parent_config) if state.parent_config else None
    checkpoint = _checkpoint(state.config)
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
        "checkpoint": checkpoint,
        "parent_checkpoint": parent,
        "checkpoint_id": checkpoint["checkpoint_id"],
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
