"""Check the requests to LangGraph's own routes, before they reach them.

LangGraph's server answers 500 to values that it does not expect, and takes some that fail later,
in a run. What the other server refuses is refused here with the same sentences.
"""

import json
import logging
from collections.abc import Callable
from typing import Any

from langgraph_api.validation import openapi_str
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from threadkeep.base.errors import BadInput, ThreadkeepError
from threadkeep.base.validation import sanitise_value
from threadkeep.server.access import INTERNAL
from threadkeep.server.dev.row_files import flush_rows
from threadkeep.server.error_responses import status_of
from threadkeep.server.json_body import parse_json
from threadkeep.server.openapi import with_path_parameters
from threadkeep.server.request_values import object_of
from threadkeep.server.run_options import check_run_options
from threadkeep.server.store_requests import (
    checked_delete,
    checked_listing,
    checked_put,
    checked_search,
)

log = logging.getLogger(__name__)
OWN_ROUTES = "/me"
"""These routes check their bodies themselves."""
STORE: dict[tuple[str, str], Callable[[dict[str, Any]], dict[str, Any]]] = {
    ("PUT", "/store/items"): checked_put,
    ("DELETE", "/store/items"): checked_delete,
    ("POST", "/store/items/search"): checked_search,
    ("POST", "/store/namespaces"): checked_listing,
}
RUNS = ("/runs", "/runs/stream", "/runs/wait", "/runs/crons")
BATCH = "/runs/batch"
CRONS = "/runs/crons/"
THREAD_SEARCHES = ("/threads/search", "/threads/count")
READS = ("/search", "/count", "/history", "/stream", "/wait", "/checkpoint", "/versions")
"""Endings of paths whose requests add no row, or whose answer is a stream."""
MAX_BATCH = 100


class RequestChecks:
    """ASGI middleware: check bodies, keep acknowledged rows, complete the OpenAPI document."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        internal = scope.get("root_path") == INTERNAL
        if scope["type"] != "http" or internal or scope["path"].startswith(OWN_ROUTES):
            await self.app(scope, receive, send)
        elif scope["path"] == "/openapi.json":
            await self.app(scope, receive, _with_path_parameters(send))
        else:
            await self._checked(scope, receive, send)

    async def _checked(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            _check_query(scope)
            if scope["method"] not in ("GET", "HEAD"):
                receive = await _checked_body(scope, receive)
        except ThreadkeepError as error:
            refusal = JSONResponse({"detail": str(error)}, status_of(error))
            await refusal(scope, receive, send)
            return
        response = _Response(send, flushes=_adds_rows(scope))
        try:
            await self.app(scope, receive, response.send)
        except Exception as error:
            if response.started:
                raise
            log.exception("%s %s failed", scope["method"], scope["path"])
            detail = f"Something went wrong inside ({type(error).__name__})."
            await JSONResponse({"detail": detail}, 500)(scope, receive, send)


class _Response:
    """Sends a response once the rows that it acknowledges are in a file."""

    def __init__(self, send: Send, *, flushes: bool) -> None:
        self._send = send
        self._flushes = flushes
        self.started = False

    async def send(self, message: Message) -> None:
        """Pass a message on."""
        if message["type"] == "http.response.start":
            if self._flushes and message["status"] < 300:
                await flush_rows()
            self.started = True
        await self._send(message)


async def _checked_body(scope: Scope, receive: Receive) -> Receive:
    """Read the body and return a `receive` that gives it again, checked and sanitised."""
    content, message = b"", await receive()
    while message["type"] == "http.request":
        content += message.get("body") or b""
        if not message.get("more_body"):
            break
        message = await receive()
    if content:
        body = _check(scope["method"], scope["path"], sanitise_value(parse_json(content)))
        content = json.dumps(body).encode()
    messages: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again


def _check(method: str, path: str, body: Any) -> Any:
    """Return a body that LangGraph's route can answer.

    Raises:
        BadInput: a value is not allowed; the sentence names the field.
    """
    if path == BATCH and isinstance(body, list):
        if len(body) > MAX_BATCH:
            raise BadInput(f"The batch has {len(body):,} runs; the limit is {MAX_BATCH}.")
        for run in body:
            check_run_options(object_of(run, "A run of the batch"))
        return body
    if not isinstance(body, dict):
        raise BadInput("The body is not a JSON object.")
    if check := STORE.get((method, path)):
        # LangGraph's schemas know no null where a field may be left out.
        return {name: value for name, value in check(body).items() if value is not None}
    if path in THREAD_SEARCHES and body.get("values"):
        raise BadInput("Threads are not searched by values here; use metadata.")
    if path.endswith("/history") and isinstance(body.get("before"), dict):
        return {**body, "before": _before(body["before"])}
    if path.endswith(RUNS) or (path.startswith(CRONS) and method == "PATCH"):
        check_run_options(body)
    return body


def _before(place: dict[str, Any]) -> dict[str, Any]:
    """Return a place in a thread's history as the config that LangGraph's route reads.

    Raises:
        BadInput: it names no checkpoint.
    """
    configurable = object_of(place.get("configurable"), "before.configurable")
    checkpoint_id = {**place, **configurable}.get("checkpoint_id")
    if not isinstance(checkpoint_id, str):
        raise BadInput("before names no checkpoint; write {'checkpoint_id': ...}.")
    return {"configurable": {"checkpoint_id": checkpoint_id}}


def _check_query(scope: Scope) -> None:
    """Refuse a query or path with characters that no database stores."""
    if "\0" in scope["path"] or b"%00" in scope.get("query_string", b""):
        raise BadInput("The address has a NUL character; leave it out.")


def _adds_rows(scope: Scope) -> bool:
    path = scope["path"]
    is_row = path.startswith(("/threads", "/assistants", "/runs"))
    return is_row and scope["method"] not in ("GET", "HEAD") and not path.endswith(READS)


def _documented(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document with LangGraph's own descriptions, which it loses beside an app."""
    described = json.loads(openapi_str)["paths"]
    for path, item in document["paths"].items():
        for method, operation in item.items():
            item[method] = operation or described.get(path, {}).get(method, {})
    return document


def _with_path_parameters(send: Send) -> Send:
    """Return a `send` that completes the OpenAPI document in a response."""
    start: list[Message] = []
    content = bytearray()

    async def send_completed(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.append(message)
            return
        content.extend(message.get("body") or b"")
        if not message.get("more_body"):
            document = json.dumps(with_path_parameters(_documented(json.loads(content)))).encode()
            headers = [(n, v) for n, v in start[0]["headers"] if n.lower() != b"content-length"]
            headers.append((b"content-length", str(len(document)).encode()))
            await send({**start[0], "headers": headers})
            await send({"type": "http.response.body", "body": document})

    return send_completed
