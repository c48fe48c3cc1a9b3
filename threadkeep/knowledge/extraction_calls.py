"""Ask a model for entities and facts in the strictest way it can: schema, function, plain JSON."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable

from threadkeep.extract.extraction import Extraction
from threadkeep.extract.schema import (
    NAME,
    RESPONSE_FORMAT,
    SCHEMA,
    TOOL,
    read_extraction,
    read_json,
)
from threadkeep.models.openai_errors import BrokenReply, RequestRefused
from threadkeep.prompt.run_model import ask_quietly, served
from threadkeep.stores.usage import NOTHING, Usage, added

log = logging.getLogger(__name__)
PLAIN = "\n\nAnswer with one JSON object of this schema and nothing else:\n" + json.dumps(SCHEMA)
# What another way of asking may mend; anything else (no key, no server) fails every way.
_MENDABLE = (RequestRefused, BrokenReply, NotImplementedError, TypeError, ValueError)

Bound = Runnable[list[BaseMessage], BaseMessage]


@dataclass(frozen=True)
class Rung:
    """One way of asking."""

    name: str
    bind: Callable[[BaseChatModel], Bound]
    read: Callable[[AIMessage], Extraction | None]
    suffix: str = ""


def _called(reply: AIMessage) -> Extraction | None:
    calls = [call for call in reply.tool_calls if call["name"] == NAME]
    return read_extraction(calls[0]["args"]) if calls else read_json(reply.text)


def _written(reply: AIMessage) -> Extraction | None:
    return read_json(reply.text)


RUNGS: Sequence[Rung] = (
    Rung("json_schema", lambda model: model.bind(response_format=RESPONSE_FORMAT), _written),
    Rung("function calling", lambda model: model.bind_tools([TOOL], tool_choice=NAME), _called),
    Rung("JSON in the prompt", lambda model: model, _written, PLAIN),
)
_works: dict[str, int] = {}
"""Per model: the rung that worked last, so that what it cannot do is not tried every turn."""


async def extract_by_model(model: BaseChatModel, prompt: str) -> tuple[Extraction | None, Usage]:
    """Return what the model found, None where it failed every way, and what its calls took."""
    usage = NOTHING
    name = served(model)
    for place in range(_works.get(name, 0), len(RUNGS)):
        rung = RUNGS[place]
        try:
            reply, spent = await ask_quietly(rung.bind(model), prompt + rung.suffix)
        except _MENDABLE as error:
            log.info("Extraction by %s failed: %s", rung.name, error)
            continue
        except Exception as error:
            log.warning("The model extracted nothing, rules did instead: %s", error)
            return None, usage
        usage = added([usage, spent])
        if (found := rung.read(reply)) is not None:
            _works[name] = place
            return found, usage
    log.warning("The model %s gave nothing that can be read; rules extracted instead.", name)
    _works.pop(name, None)
    return None, usage
