"""Authenticate every request by a token: requests of this machine may come from a proxy."""

from starlette.authentication import (
    AuthCredentials,
    AuthenticationBackend,
    AuthenticationError,
    BaseUser,
)
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response

from threadkeep.server.access import PUBLIC_PATHS
from threadkeep.server.authenticate import TOKEN_MISSING, TOKEN_UNKNOWN, user_of_header


class TokenUser(BaseUser):
    """The user of a valid token."""

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id

    @property
    def is_authenticated(self) -> bool:
        """Always true."""
        return True

    @property
    def identity(self) -> str:
        """The user's id."""
        return self.user_id


class TokenBackend(AuthenticationBackend):
    """Finds the user of a bearer token."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        """Return the user of the token; None without a token on a public path.

        Raises:
            AuthenticationError: the token is missing or not valid.
        """
        header = conn.headers.get("authorization", "")
        if not header:
            if conn.url.path in PUBLIC_PATHS:
                return None
            raise AuthenticationError(TOKEN_MISSING)
        user_id = await user_of_header(conn.app.state.memory, header)
        if user_id is None:
            raise AuthenticationError(TOKEN_UNKNOWN)
        return AuthCredentials(["authenticated"]), TokenUser(user_id)


def answer_unauthenticated(conn: HTTPConnection, error: AuthenticationError) -> Response:
    """Answer a request without a valid token."""
    return JSONResponse({"detail": str(error)}, 401, {"WWW-Authenticate": "Bearer"})
