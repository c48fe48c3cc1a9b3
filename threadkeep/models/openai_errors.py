"""Map errors of an OpenAI-compatible server to faults."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from threadkeep.models.error_text import error_text, is_overflow, is_quota, origin, overflow_fault
from threadkeep.models.faults import (
    BrokenReply,
    KeyRefused,
    ModelFault,
    ProviderServerFailed,
    QuotaUsedUp,
    RateLimited,
    RequestRefused,
    UnknownModel,
    Unreachable,
)

# What ChatOpenAI raises for a body of another shape than it expects.
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError)


def explain(error: Exception, model: str, base_url: str, secret: str = "") -> ModelFault | None:
    """Return the fault that `error` is, or None if it is a defect of this package."""
    import openai

    server = origin(base_url)
    if isinstance(error, ModelFault):
        return error
    if isinstance(error, openai.APITimeoutError):
        return Unreachable(
            f"{server} did not take the connection in time; check that the server is running."
        )
    if isinstance(error, openai.APIConnectionError):
        return Unreachable(
            f"{server} cannot be reached; check the network, or that the server is running."
        )
    if isinstance(error, openai.APIStatusError):
        text = error_text(error.body, error.message, [secret])
        return _of_status(error.status_code, text, model, server, error.response.headers)
    if isinstance(error, openai.APIError):
        return _of_stream(error_text(error.body, error.message, [secret]), model, server)
    if isinstance(error, (openai.OpenAIError, *UNREADABLE)):
        return BrokenReply(
            f"{server} sent a reply that is not a chat completion ({type(error).__name__}); "
            "check that OPENAI_BASE_URL is the address of an OpenAI-compatible server."
        )
    return None


def _of_status(
    status: int, text: str, model: str, server: str, headers: Mapping[str, str]
) -> ModelFault:
    if status in (400, 413, 422, 500) and is_overflow(text):
        return overflow_fault(text, model)
    if status in (401, 403):
        return KeyRefused(
            f"{server} refused the key ({status}); set OPENAI_API_KEY to a valid one."
        )
    if status == 404:
        return UnknownModel(
            f"{server} has no model {model!r} (404); check the name, and that "
            "OPENAI_BASE_URL, if set, ends as the server's manual says (often in /v1)."
        )
    if status == 402 or (status == 429 and is_quota(text)):
        return _quota(server)
    if status == 429:
        return _limited(server, retry_after(headers))
    if status >= 500 or status in (408, 409):
        fault = ProviderServerFailed(
            f"{server} failed with status {status}; try again in a moment."
        )
        fault.wait = retry_after(headers)
        return fault
    return RequestRefused(
        f"{server} refused the request ({status}: {text:.200}); try another model or fewer options."
    )


def _of_stream(text: str, model: str, server: str) -> ModelFault:
    if is_overflow(text):
        return overflow_fault(text, model)
    if is_quota(text):
        return _quota(server)
    return ProviderServerFailed(
        f"{server} failed while answering ({text:.200}); try again in a moment."
    )


def _quota(server: str) -> QuotaUsedUp:
    return QuotaUsedUp(f"The account at {server} has no credit left; check its plan and billing.")


def _limited(server: str, wait: float | None) -> RateLimited:
    when = f"in {wait:.0f} s" if wait else "in a moment"
    fault = RateLimited(f"{server} gets too many requests (429); try again {when}.")
    fault.wait = wait
    return fault


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of `Retry-After`, in any of its forms; None without one."""
    for name, unit in (("retry-after-ms", 1_000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        if value and re.fullmatch(r"\d{1,12}(\.\d*)?", value.strip()):
            return float(value) / unit
    try:
        moment = parsedate_to_datetime(headers.get("retry-after") or "")
    except ValueError:
        return None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (zoned - datetime.now(UTC)).total_seconds())
