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
from threadkeep.server.http.request import RequestContext, body_of, number_of, request_context
from threadkeep.server.namespaces import own_namespace

MAX_RESULTS = 1_000
MOST_QUERY = 2_000


async def put(request: Request) -> Response:
    """Put an item of the user's own."""
    ctx, body = request_context(request), await body_of(request)
    value, ttl = body.get("value"), body.get("ttl")
    if not isinstance(value, dict):
        raise BadInput("value is no JSON object.")
    if ttl is not None and not (isinstance(ttl, int | float) and ttl > 0):
        raise BadInput(f"ttl {ttl!r:.40} is no number of minutes.")
    namespace = await _namespace(ctx, "put", body.get("namespace"))
    index: Literal[False] | None = False if body.get("index") is False else None
    await ctx.memory.store.aput(namespace, _key(body), value, index=index, ttl=ttl)
    return Response(status_code=204)


async def get(request: Request) -> Response:
    """Return an item, or nothing."""
    ctx, body = request_context(request), request.query_params
    labels = [label for label in body.get("namespace", "").split(".") if label]
    namespace = await _namespace(ctx, "get", labels)
    items = await ctx.memory.store.aget(namespace, _key(dict(body)))
    if items is None:
        raise HTTPException(404, "Item not found")
    return _json(_row(items))


async def delete(request: Request) -> Response:
    """Delete an item of the user's own."""
    ctx, body = request_context(request), await body_of(request)
    namespace = await _namespace(ctx, "delete", body.get("namespace"))
    await ctx.memory.store.adelete(namespace, _key(body))
    return Response(status_code=204)


async def search(request: Request) -> Response:
    """Search by words, meaning and time, or list."""
    ctx, body = request_context(request), await body_of(request)
    query, operation = body.get("query"), body.get("filter")
    if query is not None and not isinstance(query, str):
        raise BadInput("query is no text.")
    if operation is not None and not isinstance(operation, dict):
        raise BadInput("filter is no JSON object.")
    items = await ctx.memory.store.asearch(
        await _namespace(ctx, "search", body.get("namespace_prefix")),
        query=query[:MOST_QUERY] if query else None,
        filter=operation,
        limit=number_of(body.get("limit"), "limit", 10, MAX_RESULTS),
        offset=number_of(body.get("offset"), "offset", 0, 1_000_000),
    )
    return _json({"items": [_row(item) | {"score": item.score} for item in items]})


async def namespaces(request: Request) -> Response:
    """List the namespaces of the user's own."""
    ctx, body = request_context(request), await body_of(request)
    prefix = await _namespace(ctx, "list_namespaces", body.get("prefix"))
    conditions = [MatchCondition(match_type="prefix", path=prefix)]
    if suffix := body.get("suffix"):
        conditions.append(MatchCondition(match_type="suffix", path=tuple(_labels(suffix))))
    op = Listing(
        match_conditions=tuple(conditions),
        max_depth=number_of(body.get("max_depth"), "max_depth", 0, 100) or None,
        limit=number_of(body.get("limit"), "limit", 100, MAX_RESULTS),
        offset=number_of(body.get("offset"), "offset", 0, 1_000_000),
    )
    (items,) = await ctx.memory.store.abatch([op])
    return _json({"namespaces": items})


async def _namespace(ctx: RequestContext, action: str, body: Any) -> tuple[str, ...]:
    return await own_namespace(ctx.memory, ctx.user, action, _labels(body or []))


def _labels(body: Any) -> list[str]:
    if not isinstance(body, list) or not all(isinstance(item, str) and item for item in body):
        raise BadInput("namespace is no list of labels.")
    return body


def _key(body: dict[str, Any]) -> str:
    key = body.get("key")
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
