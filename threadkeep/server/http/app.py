"""The server for many users, without a licence: any number of processes over one database.

A part of LangGraph's own API, so that its clients work, over the same databases, tokens, owners
and locks as `langgraph dev` and the terminal. docs/production.md says which part.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.authentication import (
    AuthCredentials,
    AuthenticationBackend,
    AuthenticationError,
    BaseUser,
)
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from threadkeep.base.errors import StorageFailed, ThreadkeepError
from threadkeep.base.storage_errors import storage_errors
from threadkeep.checkpoints.owner_records import OwnerRecords
from threadkeep.memory import Memory
from threadkeep.server import me, me_memory, me_records, me_threads
from threadkeep.server.access import OPEN, AccessMiddleware
from threadkeep.server.authenticate import BEARER, NOT_KNOWN, NOTHING_SENT
from threadkeep.server.erase_user import forget_user
from threadkeep.server.error_responses import answer_error
from threadkeep.server.http import (
    assistant_routes,
    run_routes,
    state_routes,
    store_routes,
    thread_routes,
)
from threadkeep.server.http.runs import Runs
from threadkeep.server.shared_memory import open_shared_memory
from threadkeep.stores.access_tokens import tokens_were_made, user_of_token

READY_SECONDS = 5.0


class Caller(BaseUser):
    """The user of a token."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def is_authenticated(self) -> bool:
        """Whether the user is known: always."""
        return True

    @property
    def identity(self) -> str:
        """The user's id."""
        return self.name


class Tokens(AuthenticationBackend):
    """Everybody needs a token here, on this machine too: a proxy may stand before it."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        """Return whose token it is; nobody passes to what is open.

        Raises:
            AuthenticationError: no token is sent, or one that is nobody's.
        """
        body = conn.headers.get("authorization", "")
        if not body:
            if conn.url.path in OPEN:
                return None
            raise AuthenticationError(NOTHING_SENT)
        user = None
        if body[: len(BEARER)].lower() == BEARER:
            store = conn.app.state.memory.opened.store
            user = await user_of_token(store, body[len(BEARER) :].strip())
        if user is None:
            raise AuthenticationError(NOT_KNOWN)
        return AuthCredentials(["authenticated"]), Caller(user)


class Storage:
    """ASGI middleware that tells in a sentence when a database fails."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass."""
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
    """Open the databases; at the end let turns under way finish first."""
    async with open_shared_memory() as memory:
        app.state.memory = memory
        app.state.runs = Runs(memory)
        yield
        await app.state.runs.wait(memory.settings.stop_seconds)


async def ok(request: Request) -> Response:
    """Tell that the process is there."""
    return JSONResponse({"ok": True})


async def ready(request: Request) -> Response:
    """Tell whether the databases can be reached."""
    memory: Memory = request.app.state.memory
    try:
        async with asyncio.timeout(READY_SECONDS):
            with storage_errors(memory.settings.item_database):
                await tokens_were_made(memory.opened.store)
            with storage_errors(memory.settings.checkpoint_database):
                await OwnerRecords(memory.opened.inner_saver).read("ready")
    except (TimeoutError, StorageFailed) as error:
        detail = str(error) or f"The database did not answer for {READY_SECONDS:.0f} s."
        return JSONResponse({"ok": False, "detail": detail}, status_code=503)
    return JSONResponse({"ok": True})


async def erase(request: Request) -> Response:
    """Forget all that is kept of the user; nothing but our own databases keeps any of it here."""
    memory, user = request.app.state.memory, str(request.user.identity)
    return JSONResponse(await forget_user(memory, user, rows=False))


async def info(request: Request) -> Response:
    """Tell what this server is."""
    from importlib.metadata import version

    return JSONResponse({"version": version("threadkeep"), "flags": {"assistants": True}})


async def answer_refusal(request: Request, error: Exception) -> Response:
    """Answer with the sentence of a refusal."""
    assert isinstance(error, HTTPException)  # noqa: S101  (registered for no other)
    return JSONResponse({"detail": error.detail}, error.status_code, error.headers)


async def answer_failure(request: Request, error: Exception) -> Response:
    """Answer what nobody expected; what it was is in the log."""
    return JSONResponse({"detail": f"Something went wrong inside ({type(error).__name__})."}, 500)


def refuse_stranger(conn: HTTPConnection, error: AuthenticationError) -> Response:
    """Answer whoever has no token of ours."""
    return JSONResponse({"detail": str(error)}, 401, {"WWW-Authenticate": "Bearer"})


app = Starlette(
    routes=[
        Route("/ok", ok),
        Route("/ready", ready),
        Route("/info", info),
        Route("/me", erase, methods=["DELETE"]),
        *me.routes,
        *me_threads.routes,
        *me_memory.routes,
        *me_records.routes,
        *assistant_routes.routes,
        *thread_routes.routes,
        *state_routes.routes,
        *run_routes.routes,
        *store_routes.routes,
    ],
    middleware=[
        Middleware(Storage),
        Middleware(AuthenticationMiddleware, backend=Tokens(), on_error=refuse_stranger),
        Middleware(AccessMiddleware),
    ],
    exception_handlers={
        ThreadkeepError: answer_error,
        HTTPException: answer_refusal,
        Exception: answer_failure,
    },
    lifespan=lifespan,
)
