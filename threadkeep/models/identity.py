"""The name and endpoint of a chat model, as the ledger and learned values use them."""

from typing import TYPE_CHECKING

from threadkeep.models.error_text import origin

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

MAX_NAME = 200


class OwnModel:
    """Marks the models of this package: all their errors but defects are faults already."""


def name_of(model: "BaseChatModel") -> str:
    """Return the name of a model of this package, else its class and name, as Class/NAME."""
    name = _model_name(model)
    if isinstance(model, OwnModel):
        return name[:MAX_NAME]
    class_name = type(model).__name__
    return f"{class_name}/{name}"[:MAX_NAME] if name else class_name[:MAX_NAME]


def endpoint_of(model: "BaseChatModel") -> str:
    """Return the model's name and server, the key of what is learned about its abilities."""
    addresses = (getattr(model, field, None) for field in ("openai_api_base", "base_url"))
    address = next((origin(str(address)) for address in addresses if address), "its own server")
    return f"{name_of(model)} at {address}"


def is_exact(model: "BaseChatModel") -> bool:
    """Return whether the tokens counted here are those of the model; else they are estimates."""
    from threadkeep.base.tokens import exact_for  # It loads LangChain's messages.

    name = _model_name(model)
    return exact_for(name) or (isinstance(model, OwnModel) and name == "offline")


def _model_name(model: "BaseChatModel") -> str:
    for field in ("model_name", "model", "model_id", "deployment_name"):
        name = getattr(model, field, None)
        if isinstance(name, str) and name:
            return name
    return ""
