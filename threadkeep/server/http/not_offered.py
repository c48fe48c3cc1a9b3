"""Routes of LangGraph's API that this server does not offer: 501, and a sentence about each."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

RUN = "/threads/{thread_id}/runs/{run_id}"
ASSISTANTS = "The graph is the only assistant of this server; choose its settings by `context`."
BACKGROUND = "Background runs are not offered by this server; use runs.stream or runs.wait."
CRONS = "Crons are not offered by this server; start runs from a scheduler of your own."
RECORDS = "Runs are not kept by this server; read the thread's history for what they did."
JOINING = "A run cannot be joined on this server; read the thread's state when it is idle."
CANCELLING = (
    "A run is not cancelled by its id on this server; disconnect from one that was started with "
    "on_disconnect 'cancel'."
)
EVENTS = "Event streams of a thread are not offered by this server; use runs.stream."
NOT_OFFERED: tuple[tuple[str, str, str], ...] = (
    ("POST", "/assistants", ASSISTANTS),
    ("PATCH DELETE", "/assistants/{assistant_id}", ASSISTANTS),
    ("POST", "/assistants/{assistant_id}/latest", ASSISTANTS),
    ("POST", "/threads/prune", "Threads are pruned by this server itself; nothing is left to do."),
    ("GET", "/threads/{thread_id}/storage", "Sizes of threads are not offered by this server."),
    ("GET", "/threads/{thread_id}/stream", EVENTS),
    ("POST", "/threads/{thread_id}/stream/events", EVENTS),
    ("POST", "/threads/{thread_id}/commands", EVENTS),
    ("POST", "/threads/{thread_id}/runs", BACKGROUND),
    ("POST", "/runs", BACKGROUND),
    ("POST", "/runs/batch", BACKGROUND),
    ("POST", "/threads/{thread_id}/runs/crons", CRONS),
    ("POST", "/runs/crons", CRONS),
    ("POST", "/runs/crons/search", CRONS),
    ("POST", "/runs/crons/count", CRONS),
    ("GET PATCH DELETE", "/runs/crons/{cron_id}", CRONS),
    ("GET", "/threads/{thread_id}/runs", RECORDS),
    ("GET DELETE", RUN, RECORDS),
    ("GET", f"{RUN}/join", JOINING),
    ("GET", f"{RUN}/stream", JOINING),
    ("POST", f"{RUN}/cancel", CANCELLING),
    ("POST", "/runs/cancel", CANCELLING),
    ("GET POST DELETE", "/mcp", "MCP is not offered by this server; use its HTTP routes."),
    ("POST", "/a2a/{assistant_id}", "A2A is not offered by this server; use runs.wait."),
    ("GET", "/metrics", "Metrics are not offered by this server; ask /ready for its health."),
)


def _refuse(sentence: str) -> Callable[[Request], Awaitable[Response]]:
    async def refuse(request: Request) -> Response:
        return JSONResponse({"detail": sentence}, 501)

    refuse.__doc__ = sentence
    return refuse


routes = [
    Route(path, _refuse(sentence), methods=methods.split(), include_in_schema=False)
    for methods, path, sentence in NOT_OFFERED
]
