"""The only assistant: the graph, whose choices each run makes."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from threadkeep.base.errors import BadInput
from threadkeep.graph.agent import graph
from threadkeep.server.http.events import json_response
from threadkeep.server.http.searching import choice_of, contains, fields_of
from threadkeep.server.request_values import body_of, number_of, object_of
from threadkeep.server.threads import GRAPH

ASSISTANT_ID = str(uuid5(UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8"), GRAPH))
"""The id that LangGraph's server derives from the name of the graph."""
ASSISTANTS = (GRAPH, ASSISTANT_ID)
"""What a client may call the assistant."""
SORTED_BY = ("assistant_id", "created_at", "updated_at", "name", "graph_id")
CREATED = "2026-01-01T00:00:00+00:00"


async def search(request: Request) -> Response:
    """List the assistant, if it matches."""
    body = await body_of(request)
    fields = fields_of(body.get("select"), (*_assistant(),))
    limit = number_of(body.get("limit"), "limit", 10, 1_000, minimum=1)
    offset = number_of(body.get("offset"), "offset", 0, 1_000_000)
    choice_of(body.get("sort_by"), "sort_by", SORTED_BY)
    choice_of(body.get("sort_order"), "sort_order", ("asc", "desc"))
    matches = _matching(body)[offset : offset + limit]
    return JSONResponse([{name: match[name] for name in fields} for match in matches])


async def count(request: Request) -> Response:
    """Return the number of assistants that match."""
    return JSONResponse(len(_matching(await body_of(request))))


async def read(request: Request) -> Response:
    """Return the assistant."""
    _check_id(request)
    return JSONResponse(_assistant())


async def read_graph(request: Request) -> Response:
    """Return the graph's nodes and edges."""
    _check_id(request)
    xray = request.query_params.get("xray", "false").lower()
    if xray not in ("true", "false") and not (xray.isdecimal() and 0 < int(xray[:9]) < 1_000):
        raise BadInput(f"xray {xray!r:.40} is not allowed; write true, false or a depth.")
    # The graph has no subgraphs: its drawing is the same at any depth.
    return json_response(graph.get_graph().to_json())


async def read_subgraphs(request: Request) -> Response:
    """Return the graph's subgraphs: it has none."""
    _check_id(request)
    return JSONResponse({})


async def read_versions(request: Request) -> Response:
    """Return the only version of the assistant."""
    await body_of(request)
    _check_id(request)
    return JSONResponse([_assistant()])


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


def _matching(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the assistant in a list, an empty one if it does not match."""
    assistant, metadata = _assistant(), object_of(body.get("metadata"), "metadata")
    for name in ("graph_id", "name"):
        value = body.get(name)
        if value is not None and not isinstance(value, str):
            raise BadInput(f"{name} {value!r:.40} is not text.")
    graph_id, name = body.get("graph_id") or GRAPH, body.get("name") or ""
    matches = graph_id == GRAPH and name.casefold() in GRAPH
    return [assistant] if matches and contains(assistant["metadata"], metadata) else []


def _check_id(request: Request) -> None:
    assistant_id = request.path_params["assistant_id"]
    if assistant_id not in ASSISTANTS:
        raise HTTPException(404, f"Assistant with ID {assistant_id[:60]} not found")


routes = [
    Route("/assistants/search", search, methods=["POST"]),
    Route("/assistants/count", count, methods=["POST"]),
    Route("/assistants/{assistant_id}", read, methods=["GET"]),
    Route("/assistants/{assistant_id}/graph", read_graph, methods=["GET"]),
    Route("/assistants/{assistant_id}/schemas", read_schemas, methods=["GET"]),
    Route("/assistants/{assistant_id}/subgraphs", read_subgraphs, methods=["GET"]),
    Route("/assistants/{assistant_id}/subgraphs/{namespace}", read_subgraphs, methods=["GET"]),
    Route("/assistants/{assistant_id}/versions", read_versions, methods=["POST"]),
]
