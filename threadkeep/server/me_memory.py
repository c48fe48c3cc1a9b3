"""Explain, correct, pin and forget memories over HTTP."""

import json
from typing import Literal

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from threadkeep.base.errors import BadInput
from threadkeep.erase.plan import Target
from threadkeep.server.me_threads import thread_context
from threadkeep.server.openapi import described
from threadkeep.server.request import request_context
from threadkeep.server.request_values import body_of, object_of

Kind = Literal["memory", "message", "fact", "entity", "thread", "user"]
PARTS: tuple[Kind, ...] = ("memory", "message", "fact", "entity", "thread")
MEMORY_ID = ({"type": "string"}, "The id of the memory, or its beginning or end.")
MAX_ID_CHARACTERS = 512


@described(
    "What the last answer of a thread is based on",
    "Its `question` and `answer`, and the recalled `memories` with their scores by part.",
)
async def read_why(request: Request) -> JSONResponse:
    """Explain the last answer."""
    ctx = await thread_context(request)
    return JSONResponse(await ctx.memory.why(ctx.thread, user_id=ctx.user_id))


@described(
    "The wordings of a memory, the oldest first",
    "The `history`.",
    id=MEMORY_ID,
)
async def read_history(request: Request) -> JSONResponse:
    """Return the wordings of a memory."""
    ctx, memory_id = request_context(request), _id_in_query(request)
    history = await ctx.memory.history(memory_id, user_id=ctx.user_id)
    return JSONResponse({"history": history})


@described(
    "Correct a message or a fact; its old wording stays in its history",
    "Its `id`, its new `text`, and what it `was`.",
)
async def correct_memory(request: Request) -> JSONResponse:
    """Replace the text of the memory `id` by `text`."""
    ctx, body = request_context(request), await body_of(request)
    memory_id, text = _validated_id(body.get("id"), "id"), body.get("text")
    if not isinstance(text, str):
        raise BadInput("text is missing; write what the memory should say.")
    result = await ctx.memory.correct(memory_id, text, user_id=ctx.user_id)
    return JSONResponse(result)


@described(
    "The memories that are always shown to the model, the earliest pin first",
    "The `pins`, each with its `text` and whether it is `shown`.",
    context=(
        {"type": "string"},
        "The context of a run as JSON; it decides which pins fit into the prompt.",
    ),
)
async def read_pins(request: Request) -> JSONResponse:
    """List the pins."""
    ctx = request_context(request)
    try:
        context = json.loads(request.query_params.get("context") or "{}")
    except (ValueError, RecursionError):
        raise BadInput("context is not JSON.") from None
    pins = await ctx.memory.pins(context=object_of(context, "context"), user_id=ctx.user_id)
    return JSONResponse({"pins": pins})


@described(
    "Always show a memory to the model",
    "The pin: its `text`, and whether it is `shown`.",
)
async def add_pin(request: Request) -> JSONResponse:
    """Pin the memory `id`; the run's `context` decides whether the pin fits into the prompt."""
    ctx, body = request_context(request), await body_of(request)
    memory_id = _validated_id(body.get("id"), "id")
    context = object_of(body.get("context"), "context")
    return JSONResponse(await ctx.memory.pin(memory_id, context=context, user_id=ctx.user_id))


@described(
    "Show a memory to the model only when it is recalled",
    "Its `id`.",
    id=MEMORY_ID,
)
async def remove_pin(request: Request) -> JSONResponse:
    """Remove a pin."""
    ctx, memory_id = request_context(request), _id_in_query(request)
    return JSONResponse({"id": await ctx.memory.unpin(memory_id, user_id=ctx.user_id)})


@described(
    "What would be erased with a message, a fact, an entity or a thread, or with everything",
    "The plan in `lines` for a person.",
)
async def plan_forget(request: Request) -> JSONResponse:
    """Return the plan for `name`, whose `kind` is one of `PARTS` or user."""
    ctx, target = request_context(request), await _target(request, *PARTS, "user")
    return JSONResponse({"lines": await ctx.memory.plan_forget(target, user_id=ctx.user_id)})


@described(
    "Erase a message, a fact, an entity or a thread, with everything derived from it",
    "The receipt.",
)
async def forget(request: Request) -> JSONResponse:
    """Erase `name`, whose `kind` is one of `PARTS`; `DELETE /me` erases everything."""
    ctx, target = request_context(request), await _target(request, *PARTS)
    receipt = await ctx.memory.forget(target, user_id=ctx.user_id)
    return JSONResponse(receipt.as_json())


@described(
    "Your erasures that failed or were interrupted, a sentence about each",
    "The `sentences`; empty where everything is done.",
)
async def read_erasures(request: Request) -> JSONResponse:
    """List the unfinished erasures."""
    ctx = request_context(request)
    return JSONResponse({"sentences": await ctx.memory.unfinished_erasures(user_id=ctx.user_id)})


@described(
    "Try your unfinished erasures again",
    "The `receipts` of what is done now, and `sentences` about what is still unfinished.",
)
async def retry_erasures(request: Request) -> JSONResponse:
    """Retry the unfinished erasures."""
    ctx = request_context(request)
    receipts, sentences = await ctx.memory.retry_erasures(user_id=ctx.user_id)
    bodies = [receipt.as_json() for receipt in receipts]
    return JSONResponse({"receipts": bodies, "sentences": sentences})


@described(
    "Your records that cannot be read and were set aside, a sentence about each",
    "The `sentences`.",
)
async def read_damaged(request: Request) -> JSONResponse:
    """List the damaged records."""
    ctx = request_context(request)
    return JSONResponse({"sentences": await ctx.memory.damaged_records(user_id=ctx.user_id)})


async def _target(request: Request, *kinds: Kind) -> Target:
    body = await body_of(request)
    kind, keep_messages = body.get("kind", "memory"), body.get("keep_messages", False)
    if kind not in kinds:
        raise BadInput(f"kind {kind!r:.40} is not allowed; use {', '.join(kinds)}.")
    if not isinstance(keep_messages, bool):
        raise BadInput(f"keep_messages {keep_messages!r:.40} is not allowed; use true or false.")
    name = "" if kind == "user" else _validated_id(body.get("name"), "name")
    return Target(kind=kind, name=name, keep_messages=keep_messages)


def _id_in_query(request: Request) -> str:
    return _validated_id(request.query_params.get("id"), "id")


def _validated_id(value: object, field: str) -> str:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= MAX_ID_CHARACTERS:
        raise BadInput(f"{field} {value!r:.60} is not allowed; write the id of a memory.")
    return value


routes = [
    Route("/me/threads/{thread_id}/why", read_why),
    Route("/me/memories/history", read_history),
    Route("/me/memories/correct", correct_memory, methods=["POST"]),
    Route("/me/pins", read_pins),
    Route("/me/pins", add_pin, methods=["POST"]),
    Route("/me/pins", remove_pin, methods=["DELETE"]),
    Route("/me/forget/plan", plan_forget, methods=["POST"]),
    Route("/me/forget", forget, methods=["POST"]),
    Route("/me/erasures", read_erasures),
    Route("/me/damaged", read_damaged),
    Route("/me/erasures/retry", retry_erasures, methods=["POST"]),
]
