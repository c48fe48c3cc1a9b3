"""Whether the process runs, whether its databases answer, and what it is."""

import asyncio
from importlib.metadata import version

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from threadkeep.base.errors import StorageFailed
from threadkeep.base.storage_errors import storage_errors
from threadkeep.checkpoints.owner_records import OwnerRecords
from threadkeep.memory import Memory
from threadkeep.stores.access_tokens import tokens_were_made

READY_SECONDS = 5.0


async def ok(request: Request) -> Response:
    """Answer that the process runs."""
    return JSONResponse({"ok": True})


async def ready(request: Request) -> Response:
    """Answer whether the databases can be read."""
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


async def info(request: Request) -> Response:
    """Answer with the version and what the server offers."""
    return JSONResponse({"version": version("threadkeep"), "flags": {"assistants": True}})


routes = [Route("/ok", ok), Route("/ready", ready), Route("/info", info)]
