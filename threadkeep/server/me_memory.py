"""Explain, correct, pin and forget memories over HTTP."""

import json
from typing import Literal

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from threadkeep.base.errors import BadInput
from threadkeep.erase.plan import Target
from threadkeep.server.http.request import body_of, object_of
from threadkeep.server.me_threads import thread_of
from threadkeep.server.openapi import described
from threadkeep.server.shared_memory import current_memory

Kind = Literal["memory", "message", "fact", "entity", "thread", "user"]
PARTS: tuple[Kind, ...] = ("memory", "message", "fact", "entity", "thread")
ID = {"type": "string"}
MOST_CHARACTERS = 512


@described(
    "What the last answer of a thread rests on",
    "Its `question` and `answer`, and the `memories` it was shown, with their scores by part.",
)
async def read_why(request: Request) -> JSONResponse:
    """Tell why."""
    memory, user, thread = await thread_of(request)
    return JSONResponse(await memory.why(thread, user_id=user))


@described(
    "What a memory has said, the oldest wording first",
    "The `history`.",
    id=(ID, "The memory's id, or the beginning or end of it."),
)
async def read_history(request: Request) -> JSONResponse:
    """Tell what a memory has said."""
    memory_id = _text(request.query_params.get("id"), "id")
    return JSONResponse(
        {"history": await current_memory().history(memory_id, user_id=_user(request))}
    )


@described(
    "Let a message or a fact say something else from now on; its old wording stays in its history",
    "Its `id`, its `text`, and what it `was`.",
)
async def change_memory(request: Request) -> JSONResponse:
    """Correct the memory `id`: it says `text`."""
    body = await body_of(request)
    memory_id, text = _text(body.get("id"), "id"), body.get("text")
    if not isinstance(text, str):
        raise BadInput("text is missing; write what the memory should say.")
    return JSONResponse(await current_memory().correct(memory_id, text, user_id=_user(request)))


@described(
    "What is always shown to the model, the earliest pin first",
    "The `pins`, each with its `text` and whether it is `shown`.",
    context=({"type": "string"}, "A run's context as JSON: whether a pin fits depends on it."),
)
async def read_pins(request: Request) -> JSONResponse:
    """List what is pinned."""
    try:
        body = json.loads(request.query_params.get("context") or "{}")
    except (ValueError, RecursionError):
        raise BadInput("context is no JSON.") from None
    context = object_of(body, "context")
    pins = await current_memory().pins(context=context, user_id=_user(request))
    return JSONResponse({"pins": pins})


@described(
    "Let a memory always be shown to the model",
    "The pin: its `text`, and whether it is `shown`.",
)
async def add_pin(request: Request) -> JSONResponse:
    """Pin the memory `id`; `context` is a run's, on which it depends whether it fits."""
    body = await body_of(request)
    memory_id, context = _text(body.get("id"), "id"), object_of(body.get("context"), "context")
    pin = await current_memory().pin(memory_id, context=context, user_id=_user(request))
    return JSONResponse(pin)


@described(
    "Let a memory no longer always be shown",
    "Its `id`.",
    id=(ID, "The memory's id, or the beginning or end of it."),
)
async def drop_pin(request: Request) -> JSONResponse:
    """Take a pin away."""
    memory_id = _text(request.query_params.get("id"), "id")
    return JSONResponse({"id": await current_memory().unpin(memory_id, user_id=_user(request))})


@described(
    "What would go with a message, a fact, an entity or a thread, or with everything",
    "The `lines` that a person is shown.",
)
async def plan_forgetting(request: Request) -> JSONResponse:
    """Tell what would go with `name`, of a kind of `PARTS` or a user."""
    target = await _target(request, *PARTS, "user")
    lines = await current_memory().plan_forget(target, user_id=_user(request))
    return JSONResponse({"lines": lines})


@described(
    "Forget a message, a fact, an entity or a thread, with all that rests on it",
    "The receipt.",
)
async def forget(request: Request) -> JSONResponse:
    """Forget `name`, of a kind of `PARTS`; everything goes by `DELETE /me`."""
    target = await _target(request, *PARTS)
    receipt = await current_memory().forget(target, user_id=_user(request))
    return JSONResponse(receipt.as_json())


async def _target(request: Request, *kinds: Kind) -> Target:
    body = await body_of(request)
    kind, keep = body.get("kind", "memory"), body.get("keep_messages", False)
    if kind not in kinds or not isinstance(keep, bool):
        raise BadInput(f"kind {kind!r:.40} is not allowed; use {', '.join(kinds)}.")
    name = "" if kind == "user" else _text(body.get("name"), "name")
    return Target(kind=kind, name=name, keep_messages=keep)


def _user(request: Request) -> str:
    return str(request.user.identity)


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= MOST_CHARACTERS:
        raise BadInput(f"{name} {value!r:.60} is not allowed; write the id of a memory.")
    return value


routes = [
    Route("/me/threads/{thread_id}/why", read_why),
    Route("/me/memories/history", read_history),
    Route("/me/memories/correct", change_memory, methods=["POST"]),
    Route("/me/pins", read_pins),
    Route("/me/pins", add_pin, methods=["POST"]),
    Route("/me/pins", drop_pin, methods=["DELETE"]),
    Route("/me/forget/plan", plan_forgetting, methods=["POST"]),
    Route("/me/forget", forget, methods=["POST"]),
]
