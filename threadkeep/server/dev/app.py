"""The routes of threadkeep itself and the access middleware; `langgraph.json` names the app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from threadkeep.server import me, me_entities, me_memory, me_records, me_threads
from threadkeep.server.access import AccessMiddleware
from threadkeep.server.dev.request_checks import RequestChecks
from threadkeep.server.dev.row_files import flush_rows, install
from threadkeep.server.dev.shared_memory import current_rows, open_shared_memory
from threadkeep.server.erase_user import erase_user
from threadkeep.server.error_responses import EXCEPTION_HANDLERS
from threadkeep.server.openapi import described
from threadkeep.server.recovery import TurnRecovery
from threadkeep.server.request import request_context


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Open the memory, and delete rows of threads that were deleted while the server was off."""
    async with open_shared_memory() as memory:
        app.state.memory = memory
        app.state.recovery = TurnRecovery(memory)
        install()
        await current_rows().delete_stale()
        yield
        await app.state.recovery.stop()


@described("Erase all your data, and your tokens", "The receipt.")
async def erase(request: Request) -> JSONResponse:
    """Erase the user."""
    ctx = request_context(request)
    receipt = await erase_user(ctx.memory, ctx.user_id, current_rows().erase)
    await flush_rows()
    return JSONResponse(receipt.as_json())


app = Starlette(
    routes=[
        Route("/me", erase, methods=["DELETE"]),
        *me.routes,
        *me_threads.routes,
        *me_memory.routes,
        *me_entities.routes,
        *me_records.routes,
    ],
    lifespan=lifespan,
    middleware=[Middleware(AccessMiddleware), Middleware(RequestChecks)],
    exception_handlers=EXCEPTION_HANDLERS,
)
