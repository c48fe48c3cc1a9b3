"""Run the graph: stream a run, or wait for its end."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

from langchain_core.runnables import RunnableConfig
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from threadkeep.base.errors import BadInput
from threadkeep.base.user import AUTH_KEY, USER_KEY
from threadkeep.checkpoints.locks import WAIT_SECONDS
from threadkeep.graph.context import Context
from threadkeep.server.http.assistant_routes import ASSISTANTS
from threadkeep.server.http.client_threads import create_thread
from threadkeep.server.http.events import GRAPH_MODES, MODES, events_of, json_response
from threadkeep.server.http.runs import Runs, Stream
from threadkeep.server.http.searching import refuse_options
from threadkeep.server.http.state_routes import checkpoint_id_in
from threadkeep.server.request import RequestContext, request_context
from threadkeep.server.request_values import body_of, object_of, thread_id_of
from threadkeep.server.run_input import CONTEXT_PROVIDED, validate_run
from threadkeep.server.run_options import check_run_options
from threadkeep.server.threads import (
    GRAPH,
    NAME,
    OWNER,
    missing_thread_detail,
    read_thread,
    thread_name_of,
)

UNSUPPORTED = (
    "command",
    "interrupt_before",
    "interrupt_after",
    "after_seconds",
    "stream_resumable",
)
CLIENT_CLOSED_REQUEST = 499
"""Status for the log: nobody reads the response."""
RESERVED_METADATA = frozenset(
    {USER_KEY, AUTH_KEY, OWNER, NAME, "thread_id", "checkpoint_ns", "checkpoint_id", "run_id"}
    | {"assistant_id", "graph_id", "source", "step", "parents"}
)
"""Metadata of a checkpoint that the graph and the server set."""
STRATEGIES = {"enqueue": WAIT_SECONDS, "reject": 0.0}
"""Seconds that a run waits for another run on its thread."""


@dataclass(frozen=True, kw_only=True)
class StartedRun:
    """A run that was started."""

    stream: Stream
    run_id: str
    thread_id: str
    stops_on_disconnect: bool


class RunResponse(StreamingResponse):
    """The events of a run; a client that disconnects stops the run if it asked for that."""

    def __init__(self, run: StartedRun) -> None:
        headers = {
            "Content-Location": f"/threads/{run.thread_id}/runs/{run.run_id}",
            "Cache-Control": "no-store",
        }
        events = events_of(run.run_id, aiter(run.stream))
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._run = run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Here, since the iterator of a client that has already left is never begun.
            if self._run.stops_on_disconnect:
                self._run.stream.stop()


async def stream_run(request: Request) -> Response:
    """Stream a run's events."""
    return RunResponse(await _start_run(request, await body_of(request)))


async def wait_for_run(request: Request) -> Response:
    """Wait for a run, and return its output."""
    run = await _start_run(request, {**await body_of(request), "stream_mode": "values"})
    watcher = asyncio.create_task(_stop_on_disconnect(request, run))
    output: Any = None
    try:
        async for mode, data in run.stream:
            output = data if mode == "values" else output
    except asyncio.CancelledError:
        if not run.stream.task.cancelled():
            raise
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    finally:
        watcher.cancel()
    return json_response(output)


async def _stop_on_disconnect(request: Request, run: StartedRun) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    if run.stops_on_disconnect:
        run.stream.stop()


async def _start_run(request: Request, body: Mapping[str, Any]) -> StartedRun:
    ctx, runs = request_context(request), _runs(request)
    _refuse_unsupported(body)
    modes, checkpoint_id = _modes(body.get("stream_mode")), checkpoint_id_in(body)
    thread_id = await _thread_id(ctx, request.path_params.get("thread_id"), body)
    kwargs = await _validated(ctx, thread_id, body, checkpoint_id)
    run_id = str(uuid4())
    run = await ctx.memory.start_run(
        Context.model_validate(kwargs["context"]),
        await thread_name_of(ctx.memory, ctx.user_id, thread_id),
        kwargs["input"],
        wait=STRATEGIES[_strategy(body)],
        modes=[GRAPH_MODES.get(mode, mode) for mode in modes],  # type: ignore[misc]
        checkpoint_id=checkpoint_id,
        run_config=_run_config(body, run_id),
        output_only=True,
    )
    return StartedRun(
        stream=runs.begin(run),
        run_id=run_id,
        thread_id=thread_id,
        stops_on_disconnect=body.get("on_disconnect") == "cancel",
    )


async def _thread_id(ctx: RequestContext, value: str | None, body: Mapping[str, Any]) -> str:
    """Return the id of the run's thread, which exists then."""
    if value is None:
        # A run without a thread of its own gets a new one, which is listed like any other.
        return str((await create_thread(ctx, None, {}))["id"])
    thread_id = thread_id_of(value)
    if await read_thread(ctx.memory, ctx.user_id, thread_id) is None:
        if body.get("if_not_exists") != "create":
            raise HTTPException(404, missing_thread_detail(thread_id))
        await create_thread(ctx, thread_id, _metadata(body))
    return thread_id


async def _validated(
    ctx: RequestContext, thread_id: str, body: Mapping[str, Any], checkpoint_id: str | None
) -> dict[str, Any]:
    """Return the run's validated input and context, with the user of the request."""
    config = object_of(body.get("config"), "config")
    configurable = object_of(config.get("configurable"), "configurable")
    context = object_of(body.get("context"), "context")
    kwargs: dict[str, Any] = {
        "input": body.get("input"),
        "context": context or configurable,
        "config": {"configurable": {CONTEXT_PROVIDED: True} if context else {}},
    }
    kwargs["config"]["configurable"]["checkpoint_id"] = checkpoint_id
    await validate_run(ctx.memory, ctx.user_id, {"kwargs": kwargs, "thread_id": thread_id})
    return kwargs


def _refuse_unsupported(body: Mapping[str, Any]) -> None:
    check_run_options(body)
    refuse_options(body, UNSUPPORTED)
    if body.get("on_completion") == "delete":
        raise BadInput("on_completion 'delete' is not offered by this server; delete the thread.")
    if _strategy(body) not in STRATEGIES:
        raise BadInput(
            f"multitask_strategy {_strategy(body)!r:.40} is not offered; "
            f"use {' or '.join(STRATEGIES)}."
        )
    if (assistant := body.get("assistant_id")) not in ASSISTANTS:
        raise BadInput(f"There is no assistant {assistant!r:.60}; use {GRAPH!r}.")


def _run_config(body: Mapping[str, Any], run_id: str) -> RunnableConfig:
    """Return what a client's config says beside its context: metadata, tags and limits."""
    config = object_of(body.get("config"), "config")
    metadata = {**(config.get("metadata") or {}), **(body.get("metadata") or {})}
    own = {"run_id": run_id, "graph_id": GRAPH}
    options: dict[str, Any] = {
        "metadata": {n: v for n, v in metadata.items() if n not in RESERVED_METADATA} | own,
        "tags": config.get("tags") or [],
    }
    for name in ("recursion_limit", "max_concurrency"):
        if config.get(name) is not None:
            options[name] = config[name]
    return cast(RunnableConfig, options)


def _strategy(body: Mapping[str, Any]) -> str:
    return str(body.get("multitask_strategy") or "enqueue")


def _modes(value: Any) -> list[str]:
    modes = value if isinstance(value, list) else [value or "values"]
    for mode in modes:
        if mode not in MODES:
            raise BadInput(f"stream_mode {mode!r:.40} is not offered; use {', '.join(MODES)}.")
    return list(dict.fromkeys(modes))


def _metadata(body: Mapping[str, Any]) -> dict[str, Any]:
    config = object_of(body.get("config"), "config")
    return object_of(body.get("metadata") or config.get("metadata"), "metadata")


def _runs(request: Request) -> Runs:
    runs: Runs = request.app.state.runs
    return runs


routes = [
    Route("/threads/{thread_id}/runs/stream", stream_run, methods=["POST"]),
    Route("/threads/{thread_id}/runs/wait", wait_for_run, methods=["POST"]),
    Route("/runs/stream", stream_run, methods=["POST"]),
    Route("/runs/wait", wait_for_run, methods=["POST"]),
]
