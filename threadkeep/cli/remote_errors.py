"""What goes wrong between here and a server, each as one sentence with an exit code of ours."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from langgraph.pregel.remote import RemoteException

from threadkeep.base.errors import ServerFailed, ThreadkeepError

CODES = {413: 2, 422: 2, 502: 4, 503: 5}
"""Exit codes of what a server refuses, by HTTP status; 1 for all others."""
NOT_OURS = "is there a threadkeep server?"


@asynccontextmanager
async def remote_errors(url: str) -> AsyncIterator[None]:
    """Raise what a server, or the way to it, raises as an error that a person may see.

    Raises:
        ServerFailed: something did; its exit code is that of the same error without a server.
    """
    try:
        yield
    except httpx.HTTPStatusError as error:
        raise await _refused(url, error.response) from error
    except httpx.TransportError as error:
        said = f"No answer from {url} ({type(error).__name__}); threadkeep serve starts a server."
        raise ServerFailed(said) from error
    except RemoteException as error:
        raise _failed(error.args[0] if error.args else None) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ServerFailed(f"{url} answers something else; {NOT_OURS}") from error


async def _refused(url: str, response: httpx.Response) -> ServerFailed:
    told, status = await _detail(response), response.status_code
    if status == 401:
        return ServerFailed(f"{url} does not let you in: {told} Put it into THREADKEEP_TOKEN.")
    if status == 404 and told in ("", "Not Found"):
        return ServerFailed(f"{url} has no such route; {NOT_OURS}")
    said = told or f"{url} answers {status} {response.reason_phrase}."
    return ServerFailed(said, CODES.get(status, 1))


async def _detail(response: httpx.Response) -> str:
    try:
        await response.aread()
        detail = response.json()["detail"]
    except (httpx.HTTPError, httpx.StreamError, ValueError, KeyError, TypeError):
        return ""
    return detail if isinstance(detail, str) else ""


def _failed(told: Any) -> ServerFailed:
    """Return the error of a run, with the exit code that its kind has here."""
    told = told if isinstance(told, dict) else {}
    kind, said = str(told.get("error") or "error"), str(told.get("message") or "")
    return ServerFailed(said or f"The run failed ({kind}).", _code(kind))


def _code(kind: str) -> int:
    import threadkeep.models.openai_errors  # noqa: F401  (its errors are told apart by their exit codes)

    kinds = [ThreadkeepError]
    for each in kinds:
        kinds += each.__subclasses__()
    return next((each.exit_code for each in kinds if each.__name__ == kind), 1)
