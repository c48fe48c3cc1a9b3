"""Open a model of OpenAI or of a compatible server; langchain-openai is imported lazily."""

from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import SecretStr

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from threadkeep.models.retries import RetryPolicy

OPENAI = "https://api.openai.com/v1"
NO_KEY = SecretStr("none")


def open_openai(
    name: str,
    api_key: SecretStr | None = None,
    base_url: str | None = None,
    retry_policy: "RetryPolicy | None" = None,
    temperature: float | None = None,
    quirks_file: Path | None = None,
) -> "BaseChatModel":
    """Return the model `name` of the server at `base_url` (OpenAI by default); connects later.

    It speaks Chat Completions only, as every compatible server does; the few models of OpenAI that
    have nothing but the Responses API (gpt-5-pro, codex) raise `UnknownModel`. What the server
    refuses is left out from then on, and with `quirks_file` in the next process too.
    """
    from threadkeep.models.openai_model import ThreadkeepOpenAI
    from threadkeep.models.retries import RetryPolicy
    from threadkeep.models.server_quirks import ServerQuirks

    address = base_url or OPENAI
    return ThreadkeepOpenAI.open(
        name,
        api_key or NO_KEY,
        address,
        loopback=is_loopback(address),
        retry_policy=retry_policy or RetryPolicy(),
        temperature=temperature,
        quirks=ServerQuirks(quirks_file),
    )


def is_loopback(base_url: str) -> bool:
    """Return whether an address is on this machine."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
