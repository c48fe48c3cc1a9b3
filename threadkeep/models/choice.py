"""Which model answers, and why."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import SecretStr

from threadkeep.base.errors import BadInput, NoModel
from threadkeep.base.settings import Settings
from threadkeep.models.identity import name_of
from threadkeep.models.local_servers import find_local_model, first_chat_model
from threadkeep.models.openai import open_openai
from threadkeep.models.provider_models import (
    PROVIDERS,
    check_provider,
    open_provider_model,
    split_name,
)

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

OFFLINE = "offline"
DEFAULT_OPENAI_MODEL = "gpt-4.1-mini"
_OPENAI_PREFIX = re.compile(r"^openai[/:]")


@dataclass(frozen=True)
class Choice:
    """A model that is not built yet."""

    name: str
    """`offline`, `openai/NAME`, `PROVIDER:NAME`, or the class and name of an instance."""
    reason: str
    """A phrase for the first line of a chat: "offline, because OPENAI_API_KEY is not set"."""
    build: "Callable[[], BaseChatModel]"
    """Return the model, loading what it needs.

    Raises:
        NoModel: its package is not installed, or refuses.
    """
    discovered: bool = False
    """Whether it is a local server that no setting names; the user is told about it."""


async def choose_model(settings: Settings, name_or_model: "str | BaseChatModel | None") -> Choice:
    """Return the model to use.

    The first that there is: the argument, THREADKEEP_MODEL, OPENAI_BASE_URL or OPENAI_API_KEY, a
    server on this machine unless `settings` forbid to look for one, offline.

    A chat model is used as it is. A name is `offline`, `openai/NAME`, or PROVIDER:NAME as
    LangChain's `init_chat_model` has it, such as `ollama:llama3`.

    Raises:
        NoModel: the name cannot be used, for want of a key or a package for instance.
        BadInput: OPENAI_BASE_URL is not an address.
    """
    if not isinstance(name_or_model, str | None):
        return _instance(name_or_model)
    _check_address(settings.openai_base_url)
    if name_or_model:
        return _by_name(settings, name_or_model.strip(), "it was asked for")
    if settings.model:
        return _by_name(settings, settings.model.strip(), "THREADKEEP_MODEL names it")
    if settings.openai_base_url:
        name = await first_chat_model(settings.openai_base_url) or DEFAULT_OPENAI_MODEL
        return _openai(settings, name, "OPENAI_BASE_URL is set")
    if settings.openai_api_key:
        return _openai(settings, DEFAULT_OPENAI_MODEL, "OPENAI_API_KEY is set")
    if not settings.probe:
        return _offline("OPENAI_API_KEY is not set")
    if local := await find_local_model():
        return _local(settings, *local)
    return _offline("OPENAI_API_KEY is not set and no local server was found")


def _instance(model: object) -> Choice:
    from langchain_core.language_models import BaseChatModel  # The first prompt needs none of it.

    if not isinstance(model, BaseChatModel):
        raise NoModel(
            f"A {type(model).__name__} is not a chat model; "
            "pass a BaseChatModel of LangChain, or a name."
        )
    name = name_of(model)
    return Choice(name, f"{name}, because the caller passed it", lambda: model)


def _by_name(settings: Settings, full_name: str, cause: str) -> Choice:
    if full_name == OFFLINE:
        return _offline(cause)
    if parts := split_name(full_name):
        return _provided(settings, *parts, cause)
    name = _OPENAI_PREFIX.sub("", full_name)
    if not name or not name.isprintable() or " " in name:
        raise NoModel(
            f"Model {full_name!r:.80} has no name; write offline, openai/NAME or PROVIDER:NAME."
        )
    if not settings.openai_base_url:
        if "/" in name:
            raise NoModel(_not_openai(full_name))
        if not settings.openai_api_key:
            raise NoModel(
                f"Model {full_name!r:.80} needs a key; set OPENAI_API_KEY, or OPENAI_BASE_URL for "
                "a local server, or use --model offline."
            )
    return _openai(settings, name, cause)


def _not_openai(full_name: str) -> str:
    provider, _, rest = full_name.partition("/")
    other = f", or {provider}:{rest}" if provider in PROVIDERS and rest else ""
    return (
        f"Model {full_name!r:.80} is none of OpenAI's; write offline or openai/NAME{other:.80}, "
        "or set OPENAI_BASE_URL to the server that has it."
    )


def _provided(settings: Settings, provider: str, model: str, cause: str) -> Choice:
    check_provider(settings, provider, model)
    return Choice(
        f"{provider}:{model}",
        f"{provider}:{model}, because {cause}",
        lambda: open_provider_model(provider, model),
    )


def _openai(settings: Settings, name: str, cause: str) -> Choice:
    key = _header_safe(settings.openai_api_key)
    return Choice(
        f"openai/{name}",
        f"{name}, because {cause}",
        lambda: open_openai(
            name, key, settings.openai_base_url, quirks_file=_quirks_file(settings)
        ),
    )


def _local(settings: Settings, name: str, address: str) -> Choice:
    server = address.removesuffix("/v1")
    return Choice(
        f"openai/{name}",
        f"{name}, because it was found on {server}",
        lambda: open_openai(name, None, address, quirks_file=_quirks_file(settings)),
        discovered=True,
    )


def _quirks_file(settings: Settings) -> Path:
    return settings.home / "servers.json"


def _offline(cause: str) -> Choice:
    def build() -> "BaseChatModel":
        from threadkeep.models.offline import OfflineChatModel

        return OfflineChatModel()

    return Choice(OFFLINE, f"offline, because {cause}", build)


def _header_safe(key: SecretStr | None) -> SecretStr | None:
    """Return the key without blanks around it.

    Raises:
        NoModel: no HTTP header can carry it.
    """
    if key is None:
        return None
    value = key.get_secret_value().strip()
    if not value.isascii() or not value.isprintable() or " " in value:
        raise NoModel(
            "OPENAI_API_KEY holds a blank or a sign that no key has; set it again, on one line."
        )
    return SecretStr(value)


def _check_address(base_url: str | None) -> None:
    if base_url is None:
        return
    try:
        parts = urlsplit(base_url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        valid = valid and base_url.isprintable() and " " not in base_url
    except ValueError:
        valid = False
    if not valid:
        raise BadInput(
            f"OPENAI_BASE_URL {base_url.rpartition('@')[2]!r:.80} is not an address; "
            "write it like http://127.0.0.1:11434/v1."
        )
