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
    RequestContext,
    body_of,
    checkpoint_of,
    object_of,
    request_context,
    thread_id_of,
)
from threadkeep.server.http.runs import Stream
from threadkeep.server.http.thread_objects import create_thread, thread_record
from threadkeep.server.run_input import CONTEXT_PROVIDED, validate_run

NOT_OFFERED = ("command", "interrupt_before", "interrupt_after", "webhook", "after_seconds")
STRATEGIES = {"enqueue": WAIT_SECONDS, "reject": 0.0}
"""Seconds that a run waits for the one before it on its thread."""


@dataclass(frozen=True)
class StartedRun:
    """A run that was started."""

    stream: Stream
    run_id: str
    thread: str
    stops: bool
    """Whether it is cancelled when its client disconnects."""


async def stream_run(request: Request) -> Response:
    """Stream a run's events."""
    body = await body_of(request)
    started = await _start_run(request_context(request), request.path_params.get("thread_id"), body)
    headers = {"Content-Location": f"/threads/{started.thread}/runs/{started.run_id}"}
    headers["Cache-Control"] = "no-store"
    return StreamingResponse(_events(started), media_type="text/event-stream", headers=headers)


async def wait_for_run(request: Request) -> Response:
    """Wait for a run, and return its output."""
    body = await body_of(request)
    ctx = {**body, "stream_mode": "values"}
    started = await _start_run(request_context(request), request.path_params.get("thread_id"), ctx)
    result: Any = None
    async for mode, data in started.stream:
        result = data if mode == "values" else result
    return Response(json_of(result), media_type="application/json")


async def _start_run(
    ctx: RequestContext, thread: str | None, body: Mapping[str, Any]
) -> StartedRun:
    _refuse_what_is_not_offered(body)
    if body.get("assistant_id") not in ctx.assistants:
        raise BadInput(f"There is no assistant {body.get('assistant_id')!r:.60}; use 'agent'.")
    wait = STRATEGIES[str(body.get("multitask_strategy") or "enqueue")]
    modes, at = _modes(body.get("stream_mode")), _checkpoint(body)
    thread = thread_id_of(thread) if thread is not None else None
    if thread is None:
        # A run without a thread of its own gets one that is found like any other.
        thread = (await create_thread(ctx, None, {}))["thread_id"]
    elif await thread_record(ctx, thread) is None:
        if body.get("if_not_exists") != "create":
            raise ctx.not_found_error(thread)
        await create_thread(ctx, thread, _metadata(body))
    kwargs = await _checked(ctx, thread, body)
    context, run_id = Context.model_validate(kwargs["context"]), str(uuid4())
    run = await ctx.memory.start_run(
        context,
        thread,
        kwargs["input"],
        wait=wait,
        modes=[NAMES.get(mode, mode) for mode in modes],  # type: ignore[misc]
        checkpoint_id=at,
        metadata={"run_id": run_id, "graph_id": "agent"},
    )
    stream = ctx.runs.begin(run)
    return StartedRun(stream, run_id, thread, body.get("on_disconnect") == "cancel")


async def _checked(ctx: RequestContext, thread: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the run's validated input and context, with the user of the request."""
    run = object_of(object_of(body.get("config"), "config").get("configurable"), "configurable")
    context = object_of(body.get("context"), "context")
    strict = {CONTEXT_PROVIDED: True} if context else {}
    kwargs: dict[str, Any] = {
        "input": body.get("input"),
        "context": context or run,
        "config": {"configurable": strict},
    }
    await validate_run(ctx.memory, ctx.user, {"kwargs": kwargs, "thread_id": thread})
    return kwargs


async def _events(started: StartedRun) -> AsyncIterator[bytes]:
    try:
        async for item in events_of(started.run_id, started.stream.__aiter__()):
            yield item
    finally:
        if started.stops and not started.stream.task.done():
            await started.stream.stop()


def _refuse_what_is_not_offered(body: Mapping[str, Any]) -> None:
    for name in NOT_OFFERED:
        if body.get(name):
            raise BadInput(f"{name} is not offered by this server; leave it out.")
    strategy = str(body.get("multitask_strategy") or "enqueue")
    if strategy not in STRATEGIES:
        raise BadInput(
            f"multitask_strategy {strategy!r:.40} is not offered; use {' or '.join(STRATEGIES)}."
        )


def _modes(body: Any) -> list[str]:
    modes = body if isinstance(body, list) else [body or "values"]
    for mode in modes:
        if mode not in MODES:
            raise BadInput(f"stream_mode {mode!r:.40} is not offered; use {', '.join(MODES)}.")
    return list(dict.fromkeys(modes))


def _checkpoint(body: Mapping[str, Any]) -> str | None:
    checkpoint = body.get("checkpoint") or {}
    internal_client = object_of(checkpoint, "checkpoint").get("checkpoint_id")
    return checkpoint_of(body.get("checkpoint_id") or internal_client)


def _metadata(body: Mapping[str, Any]) -> dict[str, Any]:
    config_metadata = object_of(body.get("config"), "config").get("metadata")
    return object_of(body.get("metadata") or config_metadata, "metadata")


routes = [
    Route("/threads/{thread_id}/runs/stream", stream_run, methods=["POST"]),
    Route("/threads/{thread_id}/runs/wait", wait_for_run, methods=["POST"]),
    Route("/runs/stream", stream_run, methods=["POST"]),
    Route("/runs/wait", wait_for_run, methods=["POST"]),
]
