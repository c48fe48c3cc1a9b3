"""Extract by model, in the strictest way that it supports: schema, function, plain JSON."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import RunnableLambda

from threadkeep.extract.extraction import Extraction
from threadkeep.extract.reply_reader import read_extraction, read_reply
from threadkeep.extract.schema import NAME, RESPONSE_FORMAT, SCHEMA, TOOL
from threadkeep.models.calls import Bound
from threadkeep.models.faults import BrokenReply, CallFailed, RequestRefused
from threadkeep.models.identity import OwnModel, endpoint_of
from threadkeep.prompt.run_model import ask_quietly
from threadkeep.stores.usage import NO_USAGE, Usage, sum_usage

log = logging.getLogger(__name__)
PLAIN = "\n\nAnswer with one JSON object of this schema and nothing else:\n" + json.dumps(SCHEMA)
# What another method may avoid; anything else (no key, no server) fails with every method.
_AVOIDABLE = (RequestRefused, BrokenReply, CallFailed, TypeError, ValueError)


@dataclass(frozen=True)
class Method:
    """One way to get an extraction out of a model."""

    name: str
    bind: Callable[[BaseChatModel], Bound]
    suffix: str = ""


def bind_schema(model: BaseChatModel) -> Bound:
    """Return the model with the schema as its structured output; it still returns a message."""
    if isinstance(model, OwnModel):
        return model.bind(response_format=RESPONSE_FORMAT)
    schema = {"title": NAME, "description": TOOL["function"]["description"], **SCHEMA}
    structured = model.with_structured_output(schema, include_raw=True)
    return structured | RunnableLambda(_raw_message)


def _raw_message(output: Any) -> BaseMessage:
    message: BaseMessage = output["raw"]
    return message


METHODS: Sequence[Method] = (
    Method("json_schema", bind_schema),
    Method("function calling", lambda model: model.bind_tools([TOOL], tool_choice=NAME)),
    Method("JSON in the prompt", lambda model: model, PLAIN),
)
_first_method: dict[str, int] = {}
"""Per endpoint: the method that worked last, so that earlier ones are not tried every turn."""


async def extract_by_model(model: BaseChatModel, prompt: str) -> tuple[Extraction | None, Usage]:
    """Return the extraction, None where every method failed, and what the calls took."""
    usage = NO_USAGE
    endpoint = endpoint_of(model)
    for index in range(_first_method.get(endpoint, 0), len(METHODS)):
        method = METHODS[index]
        try:
            bound = method.bind(model)
        except Exception as error:
            log.info("Extraction by %s is not supported: %s", method.name, error)
            continue
        try:
            reply, spent = await ask_quietly(model, prompt + method.suffix, bound)
        except _AVOIDABLE as error:
            log.info("Extraction by %s failed: %s", method.name, error)
            continue
        except Exception as error:
            log.warning("The model extracted nothing, rules did instead: %s", error)
            return None, usage
        usage = sum_usage([usage, spent])
        if (extraction := _read(reply)) is not None:
            _first_method[endpoint] = index
            return extraction, usage
    log.warning("The model %s gave nothing that can be read; rules extracted instead.", endpoint)
    _first_method.pop(endpoint, None)
    return None, usage


def _read(reply: AIMessage) -> Extraction | None:
    """Return the extraction in a reply: in a tool call, valid or not, or in its text."""
    documents = [call["args"] for call in [*reply.tool_calls, *reply.invalid_tool_calls]]
    readable = (read_extraction(document) for document in documents)
    return next((extraction for extraction in readable if extraction), read_reply(reply.text))
