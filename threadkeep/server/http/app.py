"""The server for many users, without a licence: any number of processes over one database.

It offers a part of LangGraph's API, so that LangGraph's clients work, with the same databases,
tokens, owners and locks as `langgraph dev` and the terminal. docs/production.md lists the routes.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from threadkeep.base.errors import StorageFailed
from threadkeep.base.settings import Settings
from threadkeep.base.storage_errors import storage_errors
from threadkeep.memory import open_memory
from threadkeep.server import me, me_entities, me_memory, me_records, me_threads
from threadkeep.server.access import AccessMiddleware
from threadkeep.server.erase_user import erase_user
from threadkeep.server.error_responses import EXCEPTION_HANDLERS
from threadkeep.server.http import (
    assistant_routes,
    not_offered,
    run_routes,
    state_routes,
    status_routes,
    store_routes,
    thread_routes,
)
from threadkeep.server.http.authentication import TokenBackend, answer_unauthenticated
from threadkeep.server.http.runs import Runs
from threadkeep.server.openapi import described, document_of
from threadkeep.server.recovery import TurnRecovery
from threadkeep.server.request import request_context


class StorageErrors:
    """ASGI middleware that answers errors of a database with 503 and a sentence."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and answer its error."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            with storage_errors(scope["app"].state.memory.settings.item_database):
                await self.app(scope, receive, send)
        except StorageFailed as error:
            await JSONResponse({"detail": str(error)}, 503)(scope, receive, send)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Open the memory; at the end wait for the runs under way."""
    settings = await asyncio.to_thread(Settings)
    async with open_memory(settings) as memory:
        # Load what searches need before the first request.
        memory.opened.store.warm()
        app.state.memory = memory
        app.state.recovery = TurnRecovery(memory)
        app.state.runs = Runs(memory)
        yield
        await app.state.runs.wait(settings.stop_seconds, app.state.recovery.tasks)


async def erase(request: Request) -> Response:
    """Erase the user; this server keeps nothing outside the memory."""
    ctx = request_context(request)
    return JSONResponse((await erase_user(ctx.memory, ctx.user_id)).as_json())


async def answer_http_error(request: Request, error: HTTPException) -> Response:
    """Answer with the error's sentence."""
    detail = error.detail
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        route = f"{request.method} {request.url.path[:100]}"
        detail = f"{route} is not offered by this server; /openapi.json lists what is."
    return JSONResponse({"detail": detail}, error.status_code, error.headers)


async def answer_failure(request: Request, error: Exception) -> Response:
    """Answer an unexpected error; the log has the details."""
    return JSONResponse({"detail": f"Something went wrong inside ({type(error).__name__})."}, 500)


@described("What this server offers", "This document.", tag="Status")
async def read_openapi(request: Request) -> Response:
    """Return the OpenAPI document."""
    return JSONResponse(document_of(app.routes))


app = Starlette(
    routes=[
        Route("/openapi.json", read_openapi),
        *status_routes.routes,
        Route("/me", erase, methods=["DELETE"]),
        *me.routes,
        *me_threads.routes,
        *me_memory.routes,
        *me_entities.routes,
        *me_records.routes,
        *assistant_routes.routes,
        *thread_routes.routes,
        *state_routes.routes,
        *run_routes.routes,
        *store_routes.routes,
        *not_offered.routes,
    ],
    middleware=[
        Middleware(StorageErrors),
        Middleware(
            AuthenticationMiddleware, backend=TokenBackend(), on_error=answer_unauthenticated
        ),
        Middleware(AccessMiddleware),
    ],
    exception_handlers=EXCEPTION_HANDLERS
    | {HTTPException: answer_http_error, Exception: answer_failure},
    lifespan=lifespan,
)
