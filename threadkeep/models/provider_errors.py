"""Map the exceptions of any provider's package to faults, by status, class and text."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
)
from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr

from threadkeep.models.error_text import error_text, is_overflow, is_quota, overflow_fault
from threadkeep.models.faults import (
    CallFailed,
    KeyRefused,
    ModelFault,
    ProviderServerFailed,
    QuotaUsedUp,
    RateLimited,
    RequestRefused,
    TooSlow,
    UnknownModel,
    Unreachable,
)
from threadkeep.models.identity import name_of

_STATUS_OF_CLASS: Mapping[type[Exception], int] = {
    ModelAuthenticationError: 401,
    ModelPermissionDeniedError: 403,
    ModelNotFoundError: 404,
    ModelRateLimitError: 429,
    ModelAPIError: 500,
    ContextOverflowError: 400,
    ModelInvalidRequestError: 400,
}
_SECRET_FIELD = re.compile(r"key|token|secret|password|authorization", re.IGNORECASE)
_TIMEOUT_CLASS = re.compile(r"Timeout")
_CONNECTION_CLASS = re.compile(r"Connect|NetworkError|TransportError")


def explain_any(error: Exception, model: BaseChatModel) -> ModelFault:
    """Return the fault that an exception of `model` is; its text has no key in it."""
    if isinstance(error, ModelFault):
        return error
    name, status = name_of(model), status_of(error)
    text = error_text(getattr(error, "body", None), str(error), secrets_of(model))
    if isinstance(error, ContextOverflowError) or (
        status in (None, 400, 413, 422, 500) and is_overflow(text)
    ):
        return overflow_fault(text, name)
    if status is not None:
        return _of_status(status, text, name)
    classes = " ".join(cls.__name__ for cls in type(error).__mro__)
    if _TIMEOUT_CLASS.search(classes):
        return TooSlow(f"{name} did not answer in time; try again, or choose a faster model.")
    if isinstance(error, ConnectionError) or _CONNECTION_CLASS.search(classes):
        return Unreachable(
            f"The server of {name} cannot be reached; check the network, or that it is running."
        )
    detail = f"{type(error).__name__}: {text:.200}" if text else type(error).__name__
    return CallFailed(f"{name} failed ({detail}); try again, or choose another model.")


def status_of(error: Exception) -> int | None:
    """Return the HTTP status that an exception carries, wherever its package puts it."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):  # botocore
        response_status = (response.get("ResponseMetadata") or {}).get("HTTPStatusCode")
    else:
        response_status = getattr(response, "status_code", None)
    fields = (getattr(error, field, None) for field in ("status_code", "http_status", "code"))
    for status in (*fields, response_status):
        if isinstance(status, int) and 400 <= status < 600:
            return int(status)
    return next(
        (status for cls, status in _STATUS_OF_CLASS.items() if isinstance(error, cls)), None
    )


def secrets_of(model: BaseChatModel) -> list[str]:
    """Return the keys that the fields of a model hold."""
    return list(_secrets_in(vars(model)))


def _secrets_in(fields: Mapping[Any, Any]) -> Iterator[str]:
    for field, value in fields.items():
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
        elif isinstance(value, Mapping):
            yield from _secrets_in(value)
        elif isinstance(value, str) and _SECRET_FIELD.search(str(field)):
            yield value


def _of_status(status: int, text: str, name: str) -> ModelFault:
    if status in (401, 403):
        return KeyRefused(
            f"The provider of {name} refused the key ({status}: {text:.200}); set a valid one."
        )
    if status == 404:
        return UnknownModel(
            f"The provider has no model {name!r} (404: {text:.200}); check the name."
        )
    if status == 402 or (status in (400, 429) and is_quota(text)):
        return QuotaUsedUp(f"The account for {name} has no credit left; check its billing.")
    if status == 429:
        return RateLimited(f"The provider of {name} gets too many requests (429); try again later.")
    if status >= 500 or status in (408, 409):
        return ProviderServerFailed(
            f"The provider of {name} failed with status {status}; try again in a moment."
        )
    return RequestRefused(
        f"The provider of {name} refused the request ({status}: {text:.200}); "
        "try another model or fewer options."
    )
