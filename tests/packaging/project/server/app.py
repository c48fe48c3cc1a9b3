"""A request acts as its user, also where LangGraph's server reads a thread outside of a run."""

from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware

from threadkeep import acting_as


class ActingUser:
    """Middleware that sets the acting user of a request."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Run the request as the user that its header names."""
        user = dict(scope.get("headers", [])).get(b"x-user")
        if user is None:
            await self.app(scope, receive, send)
            return
        with acting_as(user.decode()):
            await self.app(scope, receive, send)


app = Starlette(middleware=[Middleware(ActingUser)])
