"""The store as LangGraph's clients know it: every namespace is below the user's own key."""

from typing import Any

from langgraph.store.base import Item, ListNamespacesOp, MatchCondition
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from threadkeep.base.validation import sanitise_text
from threadkeep.server.http.events import json_response
from threadkeep.server.namespaces import own_namespace
from threadkeep.server.request import request_context
from threadkeep.server.request_values import body_of
from threadkeep.server.store_requests import (
    checked_delete,
    checked_listing,
    checked_put,
    checked_search,
    key_of,
    labels_of,
    refused_by_store,
)


async def put(request: Request) -> Response:
    """Put an item."""
    ctx, fields = request_context(request), checked_put(await body_of(request))
    namespace = await own_namespace(ctx.memory, ctx.user_id, "put", fields["namespace"])
    with refused_by_store():
        await ctx.memory.store.aput(
            namespace, fields["key"], fields["value"], index=fields["index"], ttl=fields["ttl"]
        )
    return Response(status_code=204)


async def get(request: Request) -> Response:
    """Return an item, null where there is none."""
    ctx, query = request_context(request), request.query_params
    labels = labels_of(sanitise_text(query.get("namespace", "")).split("."), "namespace")
    namespace = await own_namespace(ctx.memory, ctx.user_id, "get", labels)
    key = key_of(sanitise_text(query.get("key", "")))
    with refused_by_store():
        item = await ctx.memory.store.aget(namespace, key)
    return json_response(item and _item_fields(item))


async def delete(request: Request) -> Response:
    """Delete an item."""
    ctx, fields = request_context(request), checked_delete(await body_of(request))
    namespace = await own_namespace(ctx.memory, ctx.user_id, "delete", fields["namespace"])
    with refused_by_store():
        await ctx.memory.store.adelete(namespace, fields["key"])
    return Response(status_code=204)


async def search(request: Request) -> Response:
    """Search items by words, meaning and time, or list them."""
    ctx, fields = request_context(request), checked_search(await body_of(request))
    prefix = fields.pop("namespace_prefix")
    namespace = await own_namespace(ctx.memory, ctx.user_id, "search", prefix)
    with refused_by_store():
        items = await ctx.memory.store.asearch(namespace, **fields)
    return json_response({"items": [_item_fields(item) | {"score": item.score} for item in items]})


async def list_namespaces(request: Request) -> Response:
    """List the user's namespaces."""
    ctx, fields = request_context(request), checked_listing(await body_of(request))
    prefix, suffix = fields.pop("prefix"), fields.pop("suffix")
    path = await own_namespace(ctx.memory, ctx.user_id, "list_namespaces", prefix)
    conditions = [MatchCondition(match_type="prefix", path=path)]
    if suffix:
        conditions.append(MatchCondition(match_type="suffix", path=tuple(suffix)))
    operation = ListNamespacesOp(match_conditions=tuple(conditions), **fields)
    with refused_by_store():
        (namespaces,) = await ctx.memory.store.abatch([operation])
    return json_response({"namespaces": namespaces})


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
