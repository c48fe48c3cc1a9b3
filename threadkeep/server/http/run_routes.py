"""Runs of the graph: stream one, or wait for its end."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from threadkeep.base.errors import BadInput
from threadkeep.checkpoints.locks import WAIT_SECONDS
from threadkeep.graph.context import Context
from threadkeep.server.http.events import MODES, NAMES, events_of, json_of
from threadkeep.server.http.request import (
    Asking,
    asking,
    body_of,
    checkpoint_of,
    object_of,
    thread_id_of,
)
from threadkeep.server.http.runs import Stream
from threadkeep.server.http.thread_objects import create_thread, thread_record
from threadkeep.server.run_input import GIVEN, check_run

NOT_OFFERED = ("command", "interrupt_before", "interrupt_after", "webhook", "after_seconds")
STRATEGIES = {"enqueue": WAIT_SECONDS, "reject": 0.0}
"""How long a run waits for the one before it on its thread, in seconds."""


@dataclass(frozen=True)
class Begun:
    """A run that has begun."""

    stream: Stream
    run_id: str
    thread: str
    stops: bool
    """Whether it is given up when its client leaves."""


async def stream_run(request: Request) -> Response:
    """Stream a run's events."""
    told = await body_of(request)
    begun = await _begun(asking(request), request.path_params.get("thread_id"), told)
    headers = {"Content-Location": f"/threads/{begun.thread}/runs/{begun.run_id}"}
    headers["Cache-Control"] = "no-store"
    return StreamingResponse(_events(begun), media_type="text/event-stream", headers=headers)


async def wait_for_run(request: Request) -> Response:
    """Wait for a run, and return what it gave."""
    told = await body_of(request)
    asked = {**told, "stream_mode": "values"}
    begun = await _begun(asking(request), request.path_params.get("thread_id"), asked)
    result: Any = None
    async for mode, data in begun.stream:
        result = data if mode == "values" else result
    return Response(json_of(result), media_type="application/json")


async def _begun(asked: Asking, thread: str | None, told: Mapping[str, Any]) -> Begun:
    _refuse_what_is_not_offered(told)
    if told.get("assistant_id") not in asked.assistants:
        raise BadInput(f"There is no assistant {told.get('assistant_id')!r:.60}; use 'agent'.")
    wait = STRATEGIES[str(told.get("multitask_strategy") or "enqueue")]
    modes, at = _modes(told.get("stream_mode")), _checkpoint(told)
    thread = thread_id_of(thread) if thread is not None else None
    if thread is None:
        # A run without a thread of its own gets one that is found like any other.
        thread = (await create_thread(asked, None, {}))["thread_id"]
    elif await thread_record(asked, thread) is None:
        if told.get("if_not_exists") != "create":
            raise asked.not_found(thread)
        await create_thread(asked, thread, _metadata(told))
    kwargs = await _checked(asked, thread, told)
    context, run_id = Context.model_validate(kwargs["context"]), str(uuid4())
    run = await asked.memory.start_run(
        context,
        thread,
        kwargs["input"],
        wait=wait,
        modes=[NAMES.get(mode, mode) for mode in modes],  # type: ignore[misc]
        checkpoint_id=at,
        metadata={"run_id": run_id, "graph_id": "agent"},
    )
    stream = asked.runs.begin(run)
    return Begun(stream, run_id, thread, told.get("on_disconnect") == "cancel")


async def _checked(asked: Asking, thread: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the run's input and context, checked, the user the one who asks."""
    run = object_of(object_of(told.get("config"), "config").get("configurable"), "configurable")
    context = object_of(told.get("context"), "context")
    strict = {GIVEN: True} if context else {}
    kwargs: dict[str, Any] = {
        "input": told.get("input"),
        "context": context or run,
        "config": {"configurable": strict},
    }
    await check_run(asked.memory, asked.user, {"kwargs": kwargs, "thread_id": thread})
    return kwargs


async def _events(begun: Begun) -> AsyncIterator[bytes]:
    try:
        async for each in events_of(begun.run_id, begun.stream.__aiter__()):
            yield each
    finally:
        if begun.stops and not begun.stream.task.done():
            await begun.stream.stop()


def _refuse_what_is_not_offered(told: Mapping[str, Any]) -> None:
    for name in NOT_OFFERED:
        if told.get(name):
            raise BadInput(f"{name} is not offered by this server; leave it out.")
    strategy = str(told.get("multitask_strategy") or "enqueue")
    if strategy not in STRATEGIES:
        raise BadInput(
            f"multitask_strategy {strategy!r:.40} is not offered; use {' or '.join(STRATEGIES)}."
        )


def _modes(told: Any) -> list[str]:
    modes = told if isinstance(told, list) else [told or "values"]
    for mode in modes:
        if mode not in MODES:
            raise BadInput(f"stream_mode {mode!r:.40} is not offered; use {', '.join(MODES)}.")
    return list(dict.fromkeys(modes))


def _checkpoint(told: Mapping[str, Any]) -> str | None:
    checkpoint = told.get("checkpoint") or {}
    inside = object_of(checkpoint, "checkpoint").get("checkpoint_id")
    return checkpoint_of(told.get("checkpoint_id") or inside)


def _metadata(told: Mapping[str, Any]) -> dict[str, Any]:
    there = object_of(told.get("config"), "config").get("metadata")
    return object_of(told.get("metadata") or there, "metadata")


routes = [
    Route("/threads/{thread_id}/runs/stream", stream_run, methods=["POST"]),
    Route("/threads/{thread_id}/runs/wait", wait_for_run, methods=["POST"]),
    Route("/runs/stream", stream_run, methods=["POST"]),
    Route("/runs/wait", wait_for_run, methods=["POST"]),
]
