"""The routes of our own and what stands in front of all of them; `langgraph.json` names it."""

from starlette.applications import Starlette
from starlette.middleware import Middleware

from graph.errors import ThreadkeepError
from server import me, me_threads
from server.answers import answer_error
from server.gate import Gate

app = Starlette(
    routes=[*me.routes, *me_threads.routes],
    middleware=[Middleware(Gate)],
    exception_handlers={ThreadkeepError: answer_error},
)
