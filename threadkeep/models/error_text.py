"""Read the error texts of providers: hide keys, recognise overflow and quota."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from threadkeep.models.faults import ContextOverflow

MIN_SECRET_LENGTH = 8
_KEY = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|hf|r8|fw|csk|pplx|nvapi|ghp|lsv2)[-_][\w*-]{8,}"
    r"|\b(?:AIza|AKIA|ASIA|ya29\.)[\w*-]{8,}"
)
_NAMED_KEY = re.compile(
    r"((?:key|token|secret|password|authorization|credential)s?[\"']?\s*[:=]\s*[\"']?(?:bearer\s+)?"
    r"|bearer\s+)[\w*.~+/=-]{12,}",
    re.IGNORECASE,
)
_USER_INFO = re.compile(r"(?<=://)[^/\s@]+@")

_OVERFLOW = re.compile(
    r"context_length_exceeded|exceed_context_size|request_too_large"
    r"|maximum (?:context|prompt) length|context[ _]?window"
    r"|exceeds? the (?:available )?context|exceeds? context limit"
    r"|greater than the context length|context length exceeded"
    r"|(?:prompt|input) is too long|too many input tokens"
    r"|input tokens exceed the configured limit|exceeded model token limit"
    r"|input token count.{0,40}exceeds|number of input tokens \d+ cannot exceed"
    r"|tokens in the prompt cannot exceed|prompt token count.{0,40}exceeds"
    r"|inputs`? must have less than \d+ tokens|inputs`? tokens \+ .{0,40}must be <="
    r"|reduce the length of the (?:messages|prompt|input)",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    r"(?:maximum (?:context|prompt) length(?: is| of|:)|context size \(|context window of"
    r"|tokens(?: allowed)? \(|tokens in the prompt cannot exceed|must have less than|must be <="
    r"|tokens >|context limit:[\d +]*>)\D{0,4}(\d+)"
    r"|(\d+) maximum context length|n_ctx\D{1,5}(\d+)",
    re.IGNORECASE,
)
_QUOTA = re.compile(
    r"insufficient_quota|billing_hard_limit|exceeded your current quota"
    r"|credit balance is too low|insufficient (?:balance|credits)",
    re.IGNORECASE,
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` without the secrets, and without whatever looks like a key."""
    for secret in secrets:
        if len(secret) >= MIN_SECRET_LENGTH:
            text = text.replace(secret, "[key]")
    return _USER_INFO.sub("", _NAMED_KEY.sub(r"\1[key]", _KEY.sub("[key]", text)))


def one_line(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` on one line, without keys."""
    return " ".join(redact(text, secrets).split())


def error_text(body: object, message: str, secrets: Iterable[str] = ()) -> str:
    """Return a server's error on one line, without keys; `body` is its JSON, if there is one."""
    inner: Any = body.get("error", body) if isinstance(body, Mapping) else body
    text = f"{inner or ''} {message}"
    if isinstance(inner, Mapping) and isinstance(inner.get("message"), str):
        extras = (f"{name}={inner[name]}" for name in ("code", "type", "n_ctx") if inner.get(name))
        text = " ".join([inner["message"], *extras])
    return one_line(text, secrets)


def origin(base_url: str) -> str:
    """Return scheme, host and port alone: an address may hold a password."""
    parts = urlsplit(base_url)
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


def is_overflow(text: str) -> bool:
    """Return whether an error says that the prompt is longer than the context window."""
    return bool(_OVERFLOW.search(text))


def is_quota(text: str) -> bool:
    """Return whether an error says that the account has no credit."""
    return bool(_QUOTA.search(text))


def overflow_fault(text: str, model: str) -> ContextOverflow:
    """Return the fault for an error text, with the limit in tokens if the text names it."""
    match = _LIMIT.search(text)
    limit = int(next(filter(None, match.groups()))) if match else None
    window = f"context window of {limit:,} tokens" if limit else "context window"
    fault = ContextOverflow(
        f"The prompt is longer than the {window} of {model!r}; "
        "set max_tokens to what the model holds."
    )
    fault.limit = limit
    return fault
