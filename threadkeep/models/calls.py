"""The only place that calls a chat model: any exception of a provider leaves it as a fault."""

import logging
import traceback
from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.errors import GraphBubbleUp

from threadkeep.base.errors import ThreadkeepError
from threadkeep.models.error_text import redact
from threadkeep.models.faults import BrokenReply
from threadkeep.models.identity import OwnModel, name_of
from threadkeep.models.provider_errors import explain_any, secrets_of
from threadkeep.models.reply_reader import clean_reply

log = logging.getLogger(__name__)

Bound = Runnable[list[BaseMessage], BaseMessage]
"""A chat model with tools or options bound to it."""


async def call(
    model: BaseChatModel,
    prompt: Sequence[BaseMessage],
    config: RunnableConfig | None = None,
    *,
    bound: Bound | None = None,
    is_answer: bool = False,
) -> AIMessage:
    """Return the model's reply to a prompt; `bound`, if given, is called in place of `model`.

    The reasoning of a reply that is not an answer is removed.

    Raises:
        ModelFault: the call failed.
    """
    try:
        reply: BaseMessage = await (bound or model).ainvoke(list(prompt), config)
    except (ThreadkeepError, GraphBubbleUp):
        raise
    except Exception as error:
        if isinstance(model, OwnModel):
            raise  # A defect of this package: its traceback must be seen.
        trace = redact("".join(traceback.format_exception(error)), secrets_of(model))
        log.debug("A call to %s failed: %s", name_of(model), trace)
        fault = explain_any(error, model)
    else:
        if isinstance(reply, AIMessage):
            return reply if is_answer else clean_reply(reply)
        fault = BrokenReply(f"{name_of(model)} answered with a {type(reply).__name__}.")
    # Raised outside of `except`, so that no chained error can show a request's headers.
    raise fault
