"""One wrapper around ChatOpenAI, for OpenAI and every server that speaks its protocol.

Imports nothing heavy: langchain-openai is loaded by `open_openai`.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr

from threadkeep.models.openai_attempts import Patience

OPENAI = "https://api.openai.com/v1"
NO_KEY = SecretStr("none")


def open_openai(
    name: str,
    api_key: SecretStr | None = None,
    base_url: str | None = None,
    patience: Patience | None = None,
    temperature: float | None = None,
) -> BaseChatModel:
    """Return the model `name` of the server at `base_url` (OpenAI by default); connects later.

    Only Chat Completions are spoken, which every compatible server has; OpenAI's few models that
    have nothing but the Responses API (gpt-5-pro, codex) answer `UnknownModel`.
    Async only; retries, deadlines and errors are `Patience` and `threadkeep.models.openai_errors`.
    """
    from threadkeep.models.openai_model import ThreadkeepOpenAI

    address = base_url or OPENAI
    return ThreadkeepOpenAI.opened(
        name,
        api_key or NO_KEY,
        address,
        on_this_machine=is_loopback(address),
        patience=patience or Patience(),
        temperature=temperature,
    )


def is_loopback(base_url: str) -> bool:
    """Tell whether the address is of this machine."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
