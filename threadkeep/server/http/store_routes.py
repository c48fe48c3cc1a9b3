"""The store as LangGraph's clients know it: below the user's own key, whatever they name."""

from typing import Any, Literal

from langgraph.store.base import Item, MatchCondition
from langgraph.store.base import ListNamespacesOp as Listing
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from threadkeep.base.errors import BadInput
from threadkeep.server.http.events import json_of
from threadkeep.server.http.request import Asking, asking, body_of, number_of
from threadkeep.server.namespaces import own_namespace

MOST_FOUND = 1_000
MOST_QUERY = 2_000


async def put(request: Request) -> Response:
    """Put an item of the user's own."""
    asked, told = asking(request), await body_of(request)
    value, ttl = told.get("value"), told.get("ttl")
    if not isinstance(value, dict):
        raise BadInput("value is no JSON object.")
    if ttl is not None and not (isinstance(ttl, int | float) and ttl > 0):
        raise BadInput(f"ttl {ttl!r:.40} is no number of minutes.")
    namespace = await _namespace(asked, "put", told.get("namespace"))
    index: Literal[False] | None = False if told.get("index") is False else None
    await asked.memory.store.aput(namespace, _key(told), value, index=index, ttl=ttl)
    return Response(status_code=204)


async def get(request: Request) -> Response:
    """Return an item, or nothing."""
    asked, told = asking(request), request.query_params
    labels = [label for label in told.get("namespace", "").split(".") if label]
    namespace = await _namespace(asked, "get", labels)
    found = await asked.memory.store.aget(namespace, _key(dict(told)))
    if found is None:
        raise HTTPException(404, "Item not found")
    return _json(_row(found))


async def delete(request: Request) -> Response:
    """Delete an item of the user's own."""
    asked, told = asking(request), await body_of(request)
    namespace = await _namespace(asked, "delete", told.get("namespace"))
    await asked.memory.store.adelete(namespace, _key(told))
    return Response(status_code=204)


async def search(request: Request) -> Response:
    """Search by words, meaning and time, or list."""
    asked, told = asking(request), await body_of(request)
    query, wanted = told.get("query"), told.get("filter")
    if query is not None and not isinstance(query, str):
        raise BadInput("query is no text.")
    if wanted is not None and not isinstance(wanted, dict):
        raise BadInput("filter is no JSON object.")
    found = await asked.memory.store.asearch(
        await _namespace(asked, "search", told.get("namespace_prefix")),
        query=query[:MOST_QUERY] if query else None,
        filter=wanted,
        limit=number_of(told.get("limit"), "limit", 10, MOST_FOUND),
        offset=number_of(told.get("offset"), "offset", 0, 1_000_000),
    )
    return _json({"items": [_row(item) | {"score": item.score} for item in found]})


async def namespaces(request: Request) -> Response:
    """List the namespaces of the user's own."""
    asked, told = asking(request), await body_of(request)
    prefix = await _namespace(asked, "list_namespaces", told.get("prefix"))
    conditions = [MatchCondition(match_type="prefix", path=prefix)]
    if suffix := told.get("suffix"):
        conditions.append(MatchCondition(match_type="suffix", path=tuple(_labels(suffix))))
    op = Listing(
        match_conditions=tuple(conditions),
        max_depth=number_of(told.get("max_depth"), "max_depth", 0, 100) or None,
        limit=number_of(told.get("limit"), "limit", 100, MOST_FOUND),
        offset=number_of(told.get("offset"), "offset", 0, 1_000_000),
    )
    (found,) = await asked.memory.store.abatch([op])
    return _json({"namespaces": found})


async def _namespace(asked: Asking, action: str, told: Any) -> tuple[str, ...]:
    return await own_namespace(asked.memory, asked.user, action, _labels(told or []))


def _labels(told: Any) -> list[str]:
    if not isinstance(told, list) or not all(isinstance(each, str) and each for each in told):
        raise BadInput("namespace is no list of labels.")
    return told


def _key(told: dict[str, Any]) -> str:
    key = told.get("key")
    if not isinstance(key, str) or not 0 < len(key) <= 256:
        raise BadInput(f"key {key!r:.60} is not allowed; use 1 to 256 characters.")
    return key


def _row(item: Item) -> dict[str, Any]:
    return {
        "namespace": list(item.namespace),
        "key": item.key,
        "value": item.value,
        "created_at": item.created_at.isoformat(),
        "updated_at": item.updated_at.isoformat(),
    }


def _json(value: Any) -> Response:
    return Response(json_of(value), media_type="application/json")


routes = [
    Route("/store/items", put, methods=["PUT"]),
    Route("/store/items", get, methods=["GET"]),
    Route("/store/items", delete, methods=["DELETE"]),
    Route("/store/items/search", search, methods=["POST"]),
    Route("/store/namespaces", namespaces, methods=["POST"]),
]
