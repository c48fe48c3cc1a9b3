"""Models of other providers, by the names of LangChain's `init_chat_model`."""

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pydantic import ValidationError

from threadkeep.base.errors import NoModel
from threadkeep.base.settings import Settings
from threadkeep.models.error_text import one_line

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

PROVIDERS = frozenset(
    """
    anthropic anthropic_bedrock azure_ai azure_openai baseten bedrock bedrock_converse
    bedrock_mantle_anthropic bedrock_mantle_openai cohere deepseek fireworks
    google_anthropic_vertex google_genai google_vertexai groq huggingface ibm langsmith litellm
    meta mistralai nvidia ollama openrouter perplexity together upstage xai
    """.split()
)
"""The providers of LangChain, without `openai`, which this package opens itself."""
DOWNLOADING = frozenset({"huggingface"})
"""Providers that download the model and run it in this process."""

# LangChain's sentence about a package that it cannot import.
_PIP_INSTALL = re.compile(r"pip install [\"']?([\w-]+(?:\[[\w,-]+\])?)")


def split_name(name: str) -> tuple[str, str] | None:
    """Return provider and model of PROVIDER:MODEL, or None if that is not its form."""
    provider, colon, model = name.partition(":")
    provider = provider.strip().lower().replace("-", "_")
    return (provider, model.strip()) if colon and provider in PROVIDERS else None


def check_provider(settings: Settings, provider: str, model: str) -> None:
    """Check what can be checked without loading the provider's package.

    Raises:
        NoModel: the model has no name, or langchain is not installed.
    """
    name = f"{provider}:{model}"
    if not model or not model.isprintable():
        raise NoModel(f"Model {name!r:.80} has no name; write it like {provider}:NAME.")
    if find_spec("langchain") is None:
        raise NoModel(f"Model {name!r:.80} needs a package; run pip install langchain.")
    if provider in DOWNLOADING and not settings.may_download:
        raise NoModel(
            f"Model {name!r:.80} would be downloaded; "
            "set THREADKEEP_ALLOW_DOWNLOAD=1 to allow that, or choose another model."
        )


def open_provider_model(provider: str, model: str) -> "BaseChatModel":
    """Return the chat model as the provider's package makes it, with the key that it finds.

    Raises:
        NoModel: a package is not installed, or the package refuses, for want of a key for instance.
    """
    from langchain.chat_models import init_chat_model

    name = f"{provider}:{model}"
    try:
        return init_chat_model(model, model_provider=provider)
    except ImportError as error:
        reason = _reason_of(error)
    except ValidationError as error:
        messages = "; ".join(str(detail["msg"]) for detail in error.errors(include_input=False))
        reason = f"cannot be used ({one_line(messages):.300})"
    except Exception as error:
        reason = f"cannot be used ({type(error).__name__}: {one_line(str(error)):.300})"
    raise NoModel(f"Model {name!r:.80} {reason}.")


def _reason_of(error: ImportError) -> str:
    """Return which package is not installed, as pip writes it."""
    missing = error.__cause__ or error
    if isinstance(missing, ModuleNotFoundError) and missing.name:
        package = missing.name.partition(".")[0].replace("_", "-")
        return f"needs a package; run pip install {package}"
    text = one_line(str(error))
    match = _PIP_INSTALL.search(text)
    return (
        f"needs a package; run pip install {match[1]}" if match else f"cannot be used ({text:.300})"
    )
