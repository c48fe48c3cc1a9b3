"""The routes of our own and what stands in front of all of them; `langgraph.json` names it."""

from starlette.applications import Starlette
from starlette.middleware import Middleware

from graph.errors import ThreadkeepError
from server.answers import answer_error
from server.gate import Gate
from server.me import routes

app = Starlette(
    routes=routes,
    middleware=[Middleware(Gate)],
    exception_handlers={ThreadkeepError: answer_error},
)
