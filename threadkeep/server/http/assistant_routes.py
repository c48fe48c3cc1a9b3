"""The one assistant there is: the graph, with the choices that a run makes."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from threadkeep.graph.agent import graph
from threadkeep.server.http.events import json_of
from threadkeep.server.http.request import ASSISTANT, GRAPH, request_context

CREATED = "2026-01-01T00:00:00+00:00"


async def search(request: Request) -> Response:
    """List the assistant."""
    request_context(request)
    return JSONResponse([_assistant()])


async def read(request: Request) -> Response:
    """Read the assistant."""
    _check(request)
    return JSONResponse(_assistant())


async def drawing(request: Request) -> Response:
    """Return the graph's nodes and edges."""
    _check(request)
    return Response(json_of(graph.get_graph().to_json()), media_type="application/json")


async def schemas(request: Request) -> Response:
    """Return what the graph takes and gives."""
    _check(request)
    assistant_id = {
        "graph_id": GRAPH,
        "input_schema": graph.get_input_jsonschema(),
        "output_schema": graph.get_output_jsonschema(),
        "context_schema": graph.get_context_jsonschema(),
    }
    return Response(json_of(assistant_id), media_type="application/json")


def _assistant() -> dict[str, Any]:
    return {
        "assistant_id": ASSISTANT,
        "graph_id": GRAPH,
        "name": GRAPH,
        "description": None,
        "config": {},
        "context": {},
        "metadata": {"created_by": "system"},
        "version": 1,
        "created_at": CREATED,
        "updated_at": CREATED,
    }


def _check(request: Request) -> None:
    assistant_id = request.path_params["assistant_id"]
    if assistant_id not in request_context(request).assistants:
        raise HTTPException(404, f"Assistant with ID {assistant_id[:60]} not found")


routes = [
    Route("/assistants/search", search, methods=["POST"]),
    Route("/assistants/{assistant_id}", read, methods=["GET"]),
    Route("/assistants/{assistant_id}/graph", drawing, methods=["GET"]),
    Route("/assistants/{assistant_id}/schemas", schemas, methods=["GET"]),
]
