"""Ask why, correct, pin and forget: what the chat's commands do, over HTTP."""

import json
from typing import Literal

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from threadkeep.base.errors import BadInput
from threadkeep.erase.plan import Target
from threadkeep.graph.context import Context
from threadkeep.server.http.request import body_of, object_of
from threadkeep.server.me_threads import asked_of
from threadkeep.server.openapi import described
from threadkeep.server.shared_memory import current_memory
from threadkeep.turn_agent import Agent
from threadkeep.turn_memory import correct, history, pin, pins, unpin, why

Kind = Literal["memory", "thread", "user"]
ID = {"type": "string"}
MOST_CHARACTERS = 512


@described(
    "What the last answer of a thread rests on",
    "Its `question` and `answer`, and the `memories` it was shown, with their scores by part.",
)
async def read_why(request: Request) -> JSONResponse:
    """Tell why."""
    return JSONResponse(await why(*await asked_of(request)))


@described(
    "What a memory has said, the oldest wording first",
    "The `history`.",
    id=(ID, "The memory's id, or the beginning or end of it."),
)
async def read_history(request: Request) -> JSONResponse:
    """Tell what a memory has said."""
    given = _text(request.query_params.get("id"), "id")
    return JSONResponse({"history": await history(*_who(request), given)})


@described(
    "Let a message or a fact say something else from now on; its old wording stays in its history",
    "Its `id`, its `text`, and what it `was`.",
)
async def change_memory(request: Request) -> JSONResponse:
    """Correct the memory `id`: it says `text`."""
    told = await body_of(request)
    given, text = _text(told.get("id"), "id"), told.get("text")
    if not isinstance(text, str):
        raise BadInput("text is missing; write what the memory should say.")
    return JSONResponse(await correct(*_who(request), given, text))


@described(
    "What is always shown to the model, the earliest pin first",
    "The `pins`, each with its `text` and whether it is `shown`.",
    context=({"type": "string"}, "A run's context as JSON: whether a pin fits depends on it."),
)
async def read_pins(request: Request) -> JSONResponse:
    """List what is pinned."""
    try:
        told = json.loads(request.query_params.get("context") or "{}")
    except (ValueError, RecursionError):
        raise BadInput("context is no JSON.") from None
    return JSONResponse({"pins": await pins(*_chosen(request, told))})


@described(
    "Let a memory always be shown to the model",
    "The pin: its `text`, and whether it is `shown`.",
)
async def add_pin(request: Request) -> JSONResponse:
    """Pin the memory `id`; `context` is a run's, on which it depends whether it fits."""
    told = await body_of(request)
    asking = _chosen(request, told.get("context"))
    return JSONResponse(await pin(*asking, _text(told.get("id"), "id")))


@described(
    "Let a memory no longer always be shown",
    "Its `id`.",
    id=(ID, "The memory's id, or the beginning or end of it."),
)
async def drop_pin(request: Request) -> JSONResponse:
    """Take a pin away."""
    given = _text(request.query_params.get("id"), "id")
    return JSONResponse({"id": await unpin(*_who(request), given)})


@described(
    "What would go with a message, a fact, an entity or a thread, or with everything",
    "The `lines` that a person is shown.",
)
async def plan_forgetting(request: Request) -> JSONResponse:
    """Tell what would go with `kind` (memory, thread or user) and `name`."""
    agent, context, target = await _meant(request, "memory", "thread", "user")
    return JSONResponse({"lines": (await agent.plan_erasure(context, target)).lines()})


@described(
    "Forget a message, a fact, an entity or a thread, with all that rests on it",
    "The receipt.",
)
async def forget(request: Request) -> JSONResponse:
    """Forget `kind` (memory or thread) and `name`; everything goes by `DELETE /me`."""
    agent, context, target = await _meant(request, "memory", "thread")
    return JSONResponse((await agent.forget(context, target)).as_json())


async def _meant(request: Request, *kinds: Kind) -> tuple[Agent, Context, Target]:
    told = await body_of(request)
    kind, keep = told.get("kind", "memory"), told.get("keep_messages", False)
    if kind not in kinds or not isinstance(keep, bool):
        raise BadInput(f"kind {kind!r:.40} is not allowed; use {', '.join(kinds)}.")
    name = "" if kind == "user" else _text(told.get("name"), "name")
    return *_chosen(request, None), Target(kind=kind, name=name, keep_messages=keep)


def _who(request: Request) -> tuple[Agent, str]:
    return current_memory().agent, str(request.user.identity)


def _chosen(request: Request, told: object) -> tuple[Agent, Context]:
    agent, user = _who(request)
    return agent, Context.model_validate({**object_of(told, "context"), "user_id": user})


def _text(told: object, name: str) -> str:
    if not isinstance(told, str) or not 0 < len(told.strip()) <= MOST_CHARACTERS:
        raise BadInput(f"{name} {told!r:.60} is not allowed; write the id of a memory.")
    return told


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
