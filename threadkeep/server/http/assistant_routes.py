"""The only assistant: the graph, whose choices each run makes."""

from typing import Any
from uuid import UUID, uuid5

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from threadkeep.graph.agent import graph
from threadkeep.server.http.events import json_response
from threadkeep.server.threads import GRAPH

ASSISTANT_ID = str(uuid5(UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8"), GRAPH))
"""The id that LangGraph's server derives from the name of the graph."""
ASSISTANTS = (GRAPH, ASSISTANT_ID)
"""What a client may call the assistant."""
CREATED = "2026-01-01T00:00:00+00:00"


async def search(request: Request) -> Response:
    """List the assistant."""
    return JSONResponse([_assistant()])


async def read(request: Request) -> Response:
    """Return the assistant."""
    _check_id(request)
    return JSONResponse(_assistant())


async def read_graph(request: Request) -> Response:
    """Return the graph's nodes and edges."""
    _check_id(request)
    return json_response(graph.get_graph().to_json())


async def read_schemas(request: Request) -> Response:
    """Return the schemas of the graph's input, output and context."""
    _check_id(request)
    return json_response(
        {
            "graph_id": GRAPH,
            "input_schema": graph.get_input_jsonschema(),
            "output_schema": graph.get_output_jsonschema(),
            "context_schema": graph.get_context_jsonschema(),
        }
    )


def _assistant() -> dict[str, Any]:
    return {
        "assistant_id": ASSISTANT_ID,
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


def _check_id(request: Request) -> None:
    assistant_id = request.path_params["assistant_id"]
    if assistant_id not in ASSISTANTS:
        raise HTTPException(404, f"Assistant with ID {assistant_id[:60]} not found")


routes = [
    Route("/assistants/search", search, methods=["POST"]),
    Route("/assistants/{assistant_id}", read, methods=["GET"]),
    Route("/assistants/{assistant_id}/graph", read_graph, methods=["GET"]),
    Route("/assistants/{assistant_id}/schemas", read_schemas, methods=["GET"]),
]
