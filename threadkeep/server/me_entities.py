"""Merge and split entities over HTTP."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from threadkeep.base.errors import BadInput
from threadkeep.server.openapi import described
from threadkeep.server.request import request_context
from threadkeep.server.request_values import body_of

MAX_CHARACTERS = 512


@described(
    "Let `other` be another name of the entity `name`",
    "The change, with the `id` by which it can be undone.",
)
async def merge(request: Request) -> JSONResponse:
    """Merge two entities."""
    ctx, body = request_context(request), await body_of(request)
    name, other = text_of(body, "name"), text_of(body, "other")
    return JSONResponse(await ctx.memory.merge_entities(name, other, user_id=ctx.user_id))


@described(
    "Let the name `name` be an entity of its own; with `messages`, only there, as `new`",
    "The change, with the `id` by which it can be undone.",
)
async def split(request: Request) -> JSONResponse:
    """Split a name off an entity."""
    ctx, body = request_context(request), await body_of(request)
    name, messages = text_of(body, "name"), body.get("messages") or []
    new = text_of(body, "new") if body.get("new") is not None else None
    if not isinstance(messages, list) or not all(isinstance(one, str) for one in messages):
        raise BadInput("messages is not allowed; write a list of ids.")
    change = await ctx.memory.split_entity(name, new, messages, user_id=ctx.user_id)
    return JSONResponse(change)


@described(
    "Take back a merge or a split of entities",
    "The change that takes it back.",
)
async def undo(request: Request) -> JSONResponse:
    """Undo the change `id`."""
    ctx, body = request_context(request), await body_of(request)
    change = text_of(body, "id")
    return JSONResponse(await ctx.memory.undo_entity_change(change, user_id=ctx.user_id))


@described(
    "The merges and splits of your entities, the oldest first",
    "The `changes`.",
)
async def changes(request: Request) -> JSONResponse:
    """List the changes."""
    ctx = request_context(request)
    return JSONResponse({"changes": await ctx.memory.entity_changes(user_id=ctx.user_id)})


def text_of(body: dict[str, Any], field: str) -> str:
    """Return a text of a body.

    Raises:
        BadInput: it is missing, or no text of some characters.
    """
    value = body.get(field)
    if not isinstance(value, str) or not 0 < len(value.strip()) <= MAX_CHARACTERS:
        raise BadInput(f"{field} {value!r:.60} is not allowed; use 1 to {MAX_CHARACTERS} letters.")
    return value


routes = [
    Route("/me/entities/merge", merge, methods=["POST"]),
    Route("/me/entities/split", split, methods=["POST"]),
    Route("/me/entities/undo", undo, methods=["POST"]),
    Route("/me/entities/changes", changes),
]
