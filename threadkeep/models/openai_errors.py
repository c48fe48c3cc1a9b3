"""What can go wrong with an OpenAI-compatible server, one sentence each, never with the key."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from threadkeep.base.errors import NoModel, ProviderFailed

_OVERFLOW = re.compile(
    r"context_length_exceeded|maximum context length|context window|"
    r"exceeds? the (available )?context|greater than the context length|"
    r"exceed_context_size|prompt is too long|"
    r"input tokens exceed the configured limit",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    r"(?:maximum context length (?:is|of)|context size \(|context window of)\D{0,4}(\d+)",
    re.IGNORECASE,
)
# What ChatOpenAI lets through when a body has another shape than it expects.
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError)
_QUOTA = re.compile(
    r"insufficient_quota|billing_hard_limit|exceeded your current quota", re.IGNORECASE
)


class ModelFault(ProviderFailed):
    """A call to the model failed; `retryable` where the same call may work in a moment."""

    retryable = False
    wait: float | None = None
    """Seconds that the server asked to wait."""


class KeyRefused(NoModel, ModelFault):
    """401 or 403."""


class UnknownModel(NoModel, ModelFault):
    """404."""


class ContextOverflow(ModelFault):
    """The prompt is longer than the model's context window; `limit` in tokens where it is told."""

    limit: int | None = None


class QuotaUsedUp(ModelFault):
    """The account has no credit left."""


class RateLimited(ModelFault):
    """429; later it will work."""

    retryable = True


class ServerFailed(ModelFault):
    """5xx, or an error in the middle of a stream."""

    retryable = True


class Unreachable(ModelFault):
    """Nothing listens there, or the connection broke."""

    retryable = True


class TooSlow(ModelFault):
    """A deadline passed."""


class BrokenReply(ModelFault):
    """The answer is not what the protocol promises."""


class CutShort(BrokenReply):
    """The answer ended without saying that it is finished."""

    retryable = True


class RequestRefused(ModelFault):
    """Any other 4xx."""


def place(base_url: str) -> str:
    """Return scheme, host and port alone: an address may hold a password."""
    parts = urlsplit(base_url)
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


def explain(error: Exception, model: str, base_url: str, secret: str = "") -> ModelFault | None:
    """Return the fault that `error` is, or None if it is a defect of ours."""
    import openai

    where = place(base_url)
    if isinstance(error, ModelFault):
        return error
    if isinstance(error, openai.APITimeoutError):
        return Unreachable(
            f"{where} did not take the connection in time; check that the server is running."
        )
    if isinstance(error, openai.APIConnectionError):
        return Unreachable(
            f"{where} cannot be reached; check the network, or that the server is running."
        )
    if isinstance(error, openai.APIStatusError):
        said = _said(error.body, error.message, secret)
        return _of_status(error.status_code, said, model, where, error.response.headers)
    if isinstance(error, openai.APIError):
        return _of_stream(_said(error.body, error.message, secret), model, where)
    if isinstance(error, (openai.OpenAIError, *UNREADABLE)):
        return BrokenReply(
            f"{where} sent a reply that is not a chat completion ({type(error).__name__}); "
            "check that OPENAI_BASE_URL is the address of an OpenAI-compatible server."
        )
    return None


def _of_status(
    status: int, said: str, model: str, where: str, headers: Mapping[str, str]
) -> ModelFault:
    if status in (400, 413, 422, 500) and _OVERFLOW.search(said):
        return _overflow(said, model)
    if status in (401, 403):
        return KeyRefused(f"{where} refused the key ({status}); set OPENAI_API_KEY to a valid one.")
    if status == 404:
        return UnknownModel(
            f"{where} has no model {model!r} (404); check the name, and that "
            "OPENAI_BASE_URL, if set, ends as the server's manual says (often in /v1)."
        )
    if status in (402, 429) and (status == 402 or _QUOTA.search(said)):
        return _quota(where)
    if status == 429:
        return _limited(where, wanted_wait(headers))
    if status >= 500 or status in (408, 409):
        failed = ServerFailed(f"{where} failed with status {status}; try again in a moment.")
        failed.wait = wanted_wait(headers)
        return failed
    return RequestRefused(
        f"{where} refused the request ({status}: {said:.200}); try another model or fewer options."
    )


def _of_stream(said: str, model: str, where: str) -> ModelFault:
    if _OVERFLOW.search(said):
        return _overflow(said, model)
    if _QUOTA.search(said):
        return _quota(where)
    return ServerFailed(f"{where} failed while answering ({said:.200}); try again in a moment.")


def _overflow(said: str, model: str) -> ContextOverflow:
    limit = re.search(r"n_ctx\D{1,5}(\d+)", said) or _LIMIT.search(said)
    shown = f" of {int(limit[1]):,} tokens" if limit else ""
    fault = ContextOverflow(
        f"The prompt is longer than the context window{shown} of {model!r}; "
        "set max_tokens to what the model holds."
    )
    fault.limit = int(limit[1]) if limit else None
    return fault


def _quota(where: str) -> QuotaUsedUp:
    return QuotaUsedUp(f"The account at {where} has no credit left; check its plan and billing.")


def _limited(where: str, wait: float | None) -> RateLimited:
    when = f"in {wait:.0f} s" if wait else "in a moment"
    fault = RateLimited(f"{where} gets too many requests (429); try again {when}.")
    fault.wait = wait
    return fault


def wanted_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of `Retry-After`, in any of its forms; None where there is none."""
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


def _said(body: object, message: str, secret: str) -> str:
    """Return all that the server said, on one line, without the key."""
    inner: Any = body.get("error", body) if isinstance(body, Mapping) else body
    said = " ".join(f"{inner or ''} {message}".split())
    if isinstance(inner, Mapping) and isinstance(inner.get("message"), str):
        extras = (f"{name}={inner[name]}" for name in ("code", "type", "n_ctx") if inner.get(name))
        said = " ".join([inner["message"], *extras])
    hidden = said.replace(secret, "[key]") if len(secret) >= 8 else said
    return re.sub(r"\bsk-[\w*-]{8,}", "[key]", hidden)
