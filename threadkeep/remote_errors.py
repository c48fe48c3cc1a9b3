"""What goes wrong between here and a server, each as one sentence with an exit code of ours."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from langgraph.pregel.remote import RemoteException

from threadkeep.base.errors import RemoteServerFailed, ThreadkeepError

CODES = {413: 2, 422: 2, 502: 4, 503: 5}
"""Exit codes of what a server refuses, by HTTP status; 1 for all others."""
OLD_NAMES = {"ServerFailed": 4}
"""Exit codes of error classes that older servers name: a provider's 5xx."""
NOT_OURS = "is there a threadkeep server?"


@asynccontextmanager
async def remote_errors(url: str) -> AsyncIterator[None]:
    """Raise what a server, or the way to it, raises as an error that a person may see.

    Raises:
        RemoteServerFailed: something did; its exit code is that of the same error without a server.
    """
    try:
        yield
    except httpx.HTTPStatusError as error:
        raise await _refused(url, error.response) from error
    except httpx.TransportError as error:
        raise RemoteServerFailed(
            f"No answer from {url} ({type(error).__name__}); threadkeep serve starts a server."
        ) from error
    except RemoteException as error:
        raise _run_error(error.args[0] if error.args else None) from error
    except (ValueError, KeyError, TypeError) as error:
        raise RemoteServerFailed(f"{url} answers something else; {NOT_OURS}") from error


async def _refused(url: str, response: httpx.Response) -> RemoteServerFailed:
    detail, status = await _detail(response), response.status_code
    if status == 401:
        return RemoteServerFailed(
            f"{url} does not let you in: {detail} Put it into THREADKEEP_TOKEN."
        )
    if status == 404 and detail in ("", "Not Found"):
        return RemoteServerFailed(f"{url} has no such route; {NOT_OURS}")
    sentence = detail or f"{url} answers {status} {response.reason_phrase}."
    return RemoteServerFailed(sentence, CODES.get(status, 1))


async def _detail(response: httpx.Response) -> str:
    try:
        await response.aread()
        detail = response.json()["detail"]
    except (httpx.HTTPError, httpx.StreamError, ValueError, KeyError, TypeError):
        return ""
    return detail if isinstance(detail, str) else ""


def _run_error(value: Any) -> RemoteServerFailed:
    """Return the error of a run, with the exit code that its kind has on this machine."""
    fields = value if isinstance(value, dict) else {}
    kind, message = str(fields.get("error") or "error"), str(fields.get("message") or "")
    return RemoteServerFailed(message or f"The run failed ({kind}).", _code(kind))


def _code(name: str) -> int:
    """Return the exit code of the error class that a server names; 1 of an unknown one."""
    import threadkeep.models.faults  # noqa: F401  (defines subclasses)

    if name in OLD_NAMES:
        return OLD_NAMES[name]
    classes: list[type[ThreadkeepError]] = [ThreadkeepError]
    for error_class in classes:
        classes += error_class.__subclasses__()
    return next((error.exit_code for error in classes if error.__name__ == name), 1)
