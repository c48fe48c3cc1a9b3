"""What a caller is told when something cannot be done: one sentence, and the status for it."""

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

# What is another user's answers as what is not there.
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
    said = "Not found" if isinstance(error, AccessRefused) else str(error)
    return JSONResponse({"detail": said}, status_code=status_of(error))
