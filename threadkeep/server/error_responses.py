"""Error responses: one sentence with its HTTP status."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from threadkeep.base.errors import (
    AccessRefused,
    BadInput,
    NoModel,
    NoSuchCheckpoint,
    ProviderFailed,
    StorageFailed,
    ThreadBusy,
    ThreadkeepError,
    TooLarge,
)

# Another user's data is answered like missing data.
STATUS: dict[type[ThreadkeepError], int] = {
    AccessRefused: 404,
    NoSuchCheckpoint: 404,
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


async def answer_error(request: Request, error: ThreadkeepError) -> Response:
    """Answer with the error's sentence."""
    detail = "Not found" if isinstance(error, AccessRefused) else str(error)
    return JSONResponse({"detail": detail}, status_code=status_of(error))


EXCEPTION_HANDLERS: dict[Any, Any] = {ThreadkeepError: answer_error}
"""For Starlette, whose type of a handler takes every exception."""
