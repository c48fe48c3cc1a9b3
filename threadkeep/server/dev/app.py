"""The routes of our own and what stands in front of all of them; `langgraph.json` names it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware

from threadkeep.base.errors import ThreadkeepError
from threadkeep.server import me, me_memory, me_records, me_threads
from threadkeep.server.access import AccessMiddleware
from threadkeep.server.error_responses import answer_error
from threadkeep.server.shared_memory import open_shared_memory
from threadkeep.server.thread_rows import drop_deleted


@asynccontextmanager
async def open_app(_: Starlette) -> AsyncIterator[None]:
    """Begin as the server does: what was deleted while it was away is gone here too."""
    async with open_shared_memory() as memory:
        await drop_deleted(memory)
        yield


app = Starlette(
    routes=[*me.routes, *me_threads.routes, *me_memory.routes, *me_records.routes],
    lifespan=open_app,
    middleware=[Middleware(AccessMiddleware)],
    exception_handlers={ThreadkeepError: answer_error},
)
