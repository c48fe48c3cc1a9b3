"""The store as LangGraph's clients know it: every namespace is below the user's own key."""

from typing import Any, Literal

from langgraph.store.base import Item, ListNamespacesOp, MatchCondition
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from threadkeep.base.errors import BadInput
from threadkeep.server.http.events import json_response
from threadkeep.server.namespaces import own_namespace
from threadkeep.server.request import RequestContext, request_context
from threadkeep.server.request_values import body_of, number_of, object_of

MAX_RESULTS = 1_000
MAX_QUERY_CHARACTERS = 2_000
MAX_KEY_CHARACTERS = 256
MAX_OFFSET = 1_000_000


async def put(request: Request) -> Response:
    """Put an item."""
    ctx, body = request_context(request), await body_of(request)
    value, ttl = body.get("value"), body.get("ttl")
    if not isinstance(value, dict):
        raise BadInput("value is not a JSON object.")
    if ttl is not None and not (isinstance(ttl, int | float) and ttl > 0):
        raise BadInput(f"ttl {ttl!r:.40} is not a number of minutes.")
    namespace = await _namespace(ctx, "put", body.get("namespace"))
    index: Literal[False] | None = False if body.get("index") is False else None
    await ctx.memory.store.aput(namespace, _key(body), value, index=index, ttl=ttl)
    return Response(status_code=204)


async def get(request: Request) -> Response:
    """Return an item."""
    ctx, query = request_context(request), request.query_params
    labels = [label for label in query.get("namespace", "").split(".") if label]
    namespace = await _namespace(ctx, "get", labels)
    item = await ctx.memory.store.aget(namespace, _key(dict(query)))
    if item is None:
        raise HTTPException(404, "Item not found")
    return json_response(_item_fields(item))


async def delete(request: Request) -> Response:
    """Delete an item."""
    ctx, body = request_context(request), await body_of(request)
    namespace = await _namespace(ctx, "delete", body.get("namespace"))
    await ctx.memory.store.adelete(namespace, _key(body))
    return Response(status_code=204)


async def search(request: Request) -> Response:
    """Search items by words, meaning and time, or list them."""
    ctx, body = request_context(request), await body_of(request)
    query = body.get("query")
    if query is not None and not isinstance(query, str):
        raise BadInput("query is not a string.")
    items = await ctx.memory.store.asearch(
        await _namespace(ctx, "search", body.get("namespace_prefix")),
        query=query[:MAX_QUERY_CHARACTERS] if query else None,
        filter=object_of(body.get("filter"), "filter") or None,
        limit=number_of(body.get("limit"), "limit", 10, MAX_RESULTS),
        offset=number_of(body.get("offset"), "offset", 0, MAX_OFFSET),
    )
    return json_response({"items": [_item_fields(item) | {"score": item.score} for item in items]})


async def list_namespaces(request: Request) -> Response:
    """List the user's namespaces."""
    ctx, body = request_context(request), await body_of(request)
    prefix = await _namespace(ctx, "list_namespaces", body.get("prefix"))
    conditions = [MatchCondition(match_type="prefix", path=prefix)]
    if suffix := body.get("suffix"):
        conditions.append(MatchCondition(match_type="suffix", path=tuple(_labels(suffix))))
    operation = ListNamespacesOp(
        match_conditions=tuple(conditions),
        max_depth=number_of(body.get("max_depth"), "max_depth", 0, 100) or None,
        limit=number_of(body.get("limit"), "limit", 100, MAX_RESULTS),
        offset=number_of(body.get("offset"), "offset", 0, MAX_OFFSET),
    )
    (namespaces,) = await ctx.memory.store.abatch([operation])
    return json_response({"namespaces": namespaces})


async def _namespace(ctx: RequestContext, action: str, value: Any) -> tuple[str, ...]:
    return await own_namespace(ctx.memory, ctx.user_id, action, _labels(value or []))


def _labels(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(label, str) and label for label in value):
        raise BadInput("namespace is not a list of labels.")
    return value


def _key(values: dict[str, Any]) -> str:
    key = values.get("key")
    if not isinstance(key, str) or not 0 < len(key) <= MAX_KEY_CHARACTERS:
        raise BadInput(f"key {key!r:.60} is not allowed; use 1 to {MAX_KEY_CHARACTERS} characters.")
    return key


def _item_fields(item: Item) -> dict[str, Any]:
    return {
        "namespace": list(item.namespace),
        "key": item.key,
        "value": item.value,
        "created_at": item.created_at.isoformat(),
        "updated_at": item.updated_at.isoformat(),
    }


routes = [
    Route("/store/items", put, methods=["PUT"]),
    Route("/store/items", get, methods=["GET"]),
    Route("/store/items", delete, methods=["DELETE"]),
    Route("/store/items/search", search, methods=["POST"]),
    Route("/store/namespaces", list_namespaces, methods=["POST"]),
]
