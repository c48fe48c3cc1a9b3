"""Read the states of a thread, newest and older, and change them."""

from collections.abc import Mapping
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.errors import InvalidUpdateError
from langgraph.types import StateSnapshot
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from threadkeep.base.errors import BadInput
from threadkeep.server.http.client_threads import own_thread
from threadkeep.server.http.events import json_response
from threadkeep.server.request import RequestContext, request_context
from threadkeep.server.request_values import (
    body_of,
    checkpoint_id_of,
    number_of,
    object_of,
    thread_id_of,
)

MAX_STATES = 1_000


async def read(request: Request) -> Response:
    """Return the newest state, or the state of a checkpoint."""
    ctx, thread_id = await _own_thread(request)
    body = await body_of(request) if request.method == "POST" else {}
    checkpoint_id = checkpoint_id_of(request.path_params.get("checkpoint_id"))
    config = await _config(ctx, thread_id, checkpoint_id or checkpoint_id_in(body))
    return json_response(_snapshot(await ctx.memory.graph.aget_state(config)))


async def change(request: Request) -> Response:
    """Change the state as a node would; memory follows."""
    ctx, thread_id = await _own_thread(request)
    body = await body_of(request)
    values, node = body.get("values"), body.get("as_node")
    if node is not None and not isinstance(node, str):
        raise BadInput(f"as_node {node!r:.40} is not the name of a node.")
    try:
        config = await ctx.memory.update_state(
            thread_id, values, node, checkpoint_id_in(body), user_id=ctx.user_id
        )
    except InvalidUpdateError as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f"The state cannot be changed like this ({reason}).") from None
    return json_response({"checkpoint": _checkpoint(config)})


async def history(request: Request) -> Response:
    """Return the states of a thread, the newest first."""
    ctx, thread_id = await _own_thread(request)
    if request.method == "GET":
        limit_text = request.query_params.get("limit", "10")
        body: dict[str, Any] = {"limit": int(limit_text) if limit_text.isdigit() else limit_text}
    else:
        body = await body_of(request)
    before = _before(body)
    states = ctx.memory.graph.aget_state_history(
        await _config(ctx, thread_id, checkpoint_id_in(body)),
        before=await _config(ctx, thread_id, before) if before else None,
        limit=number_of(body.get("limit"), "limit", 10, MAX_STATES),
        filter=object_of(body.get("metadata"), "metadata") or None,
    )
    return json_response([_snapshot(state) async for state in states])


def checkpoint_id_in(body: Mapping[str, Any]) -> str | None:
    """Return the id of the checkpoint that a body names, directly or as an object.

    Raises:
        BadInput: the checkpoint is not an object.
        HTTPException: the id is not a UUID.
    """
    checkpoint = object_of(body.get("checkpoint"), "checkpoint")
    return checkpoint_id_of(body.get("checkpoint_id") or checkpoint.get("checkpoint_id"))


async def _own_thread(request: Request) -> tuple[RequestContext, str]:
    ctx, thread_id = request_context(request), thread_id_of(request.path_params["thread_id"])
    await own_thread(ctx, thread_id)
    return ctx, thread_id


async def _config(ctx: RequestContext, thread_id: str, checkpoint_id: str | None) -> RunnableConfig:
    return (await ctx.memory.thread(thread_id, user_id=ctx.user_id)).config(checkpoint_id)


def _before(body: Mapping[str, Any]) -> str | None:
    """Return the id of the checkpoint before which the history begins: an id, or in a config."""
    before = body.get("before")
    if isinstance(before, dict):
        fields = object_of(before.get("configurable") or before, "before")
        return checkpoint_id_in({"checkpoint": fields})
    return checkpoint_id_of(before)


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
    configurable = config["configurable"]
    return {
        "thread_id": configurable["thread_id"],
        "checkpoint_ns": configurable.get("checkpoint_ns", ""),
        "checkpoint_id": configurable.get("checkpoint_id"),
    }


routes = [
    Route("/threads/{thread_id}/state", read, methods=["GET"]),
    Route("/threads/{thread_id}/state", change, methods=["POST"]),
    Route("/threads/{thread_id}/state/checkpoint", read, methods=["POST"]),
    Route("/threads/{thread_id}/state/{checkpoint_id}", read, methods=["GET"]),
    Route("/threads/{thread_id}/history", history, methods=["GET", "POST"]),
]
