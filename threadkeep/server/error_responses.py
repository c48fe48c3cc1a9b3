"""Error responses: one sentence, and its HTTP status."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from threadkeep.base.errors import (
    AccessRefused,
    BadInput,
    NoModel,
    ProviderFailed,
    StorageFailed,
    ThreadBusy,
    ThreadkeepError,
    TooLarge,
)

# Another user's things answer like missing ones.
STATUS: dict[type[ThreadkeepError], int] = {
    AccessRefused: 404,
    TooLarge: 413,
    BadInput: 422,
    NoModel: 422,
    ThreadBusy: 409,
    ProviderFailed: 502,
    StorageFailed: 503,
}


def status_of(error: ThreadkeepError) -> int:
    """Return the HTTP status of an error."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


async def answer_error(request: Request, error: Exception) -> Response:
    """Answer with the error's sentence."""
    assert isinstance(error, ThreadkeepError)  # noqa: S101  (registered for no other)
    detail = "Not found" if isinstance(error, AccessRefused) else str(error)
    return JSONResponse({"detail": detail}, status_code=status_of(error))
