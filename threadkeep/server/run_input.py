"""Validate what a client sends with a run, an assistant or a cron, and bind it to the user."""

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import HumanMessage

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import validate_message
from threadkeep.graph.context import Context
from threadkeep.graph.messages import read_messages, with_ids
from threadkeep.memory import Memory
from threadkeep.models.provider_models import split_name
from threadkeep.prompt.run_model import choice_of

CONTEXT_PROVIDED = "__context_provided__"
"""Set by LangGraph's server if the client sent a context and no configurable."""
USER = "user_id"
RESERVED_PREFIXES = ("__", "langgraph_auth")
"""Prefixes of names in configurable that belong to the server."""
TRACING_PREFIXES = ("__pregel", "__langsmith")
"""Prefixes of names in configurable that request tracing to LangSmith."""
MAX_MESSAGES = 10_000
"""Of one run: front ends send their whole history."""


async def validate_run(memory: Memory, user_id: str, run: Mapping[str, Any]) -> None:
    """Validate a run's input and context, and bind the run to this user.

    Raises:
        BadInput: a value is not allowed; the sentence names the field.
        NoModel: the model that the run names cannot be used.
        NoSuchCheckpoint: the run names a checkpoint that its thread does not have.
    """
    kwargs = run["kwargs"]
    check_webhook(kwargs)
    kwargs["input"] = validate_input(kwargs.get("input"))
    configurable = kwargs["config"].setdefault("configurable", {})
    _remove_prefixed(configurable, TRACING_PREFIXES)
    strict = CONTEXT_PROVIDED in configurable
    values = context_values(user_id, kwargs.get("context") or {}, strict=strict)
    if (thread_id := run.get("thread_id")) is not None:
        values = await memory.thread_context(str(thread_id), user_id=user_id) | values
        if checkpoint_id := configurable.get("checkpoint_id"):
            thread = await memory.thread(str(thread_id), user_id=user_id)
            await memory.graph.aget_state(thread.config(str(checkpoint_id)))
    check_model(memory, values)
    await choice_of(Context.model_validate({**values, USER: user_id}), memory.opened.store)
    kwargs["context"] = {**values, USER: user_id}
    configurable[USER] = user_id
    if not kwargs.get("temporary"):
        # A turn that was acknowledged must be there after a crash.
        kwargs["durability"] = "sync"


def check_model(memory: Memory, values: Mapping[str, Any]) -> None:
    """Refuse a model of a provider that the server does not use: its keys are not the client's.

    Raises:
        BadInput: the context names such a model.
    """
    name = values.get("model")
    if isinstance(name, str) and split_name(name) and name != memory.settings.model:
        raise BadInput(
            f"Context: model {name!r:.60} is of a provider that this server does not use; "
            "leave model out."
        )


def validate_assistant(user_id: str, body: Mapping[str, Any]) -> None:
    """Validate the context that an assistant or a cron stores for its runs.

    Raises:
        BadInput: a value is not allowed; the sentence names the field.
    """
    configurable = (body.get("config") or {}).get("configurable") or {}
    _remove_prefixed(configurable, RESERVED_PREFIXES)
    for values, strict in ((body.get("context"), True), (configurable, False)):
        if values:
            fields = context_values(user_id, values, strict=strict)
            Context.model_validate({**fields, USER: user_id})
            values.pop(USER, None)


def validate_cron(user_id: str, payload: dict[str, Any]) -> None:
    """Validate what a cron stores for its runs.

    Raises:
        BadInput: a value is not allowed; the sentence names the field.
    """
    check_webhook(payload)
    validate_assistant(user_id, payload)
    # The messages stay without ids: each run of the cron adds new messages.
    validate_input(payload.get("input"))


def check_webhook(body: Mapping[str, Any]) -> None:
    """Refuse a webhook: the server sends no requests.

    Raises:
        BadInput: the body names a webhook.
    """
    if body.get("webhook"):
        raise BadInput("webhook is not allowed; this server sends nothing anywhere.")


def context_values(user_id: str, context: Mapping[str, Any], *, strict: bool) -> dict[str, Any]:
    """Return the fields of a context without the user id.

    Without `strict`, names that are not fields of a context are removed.

    Raises:
        BadInput: the context names another user.
    """
    context_user = context.get(USER)
    if context_user not in (None, "", user_id):
        raise BadInput(
            f"Context: user_id {context_user!r:.60} is not the user of this token; leave it out."
        )
    return {
        name: value
        for name, value in context.items()
        if name != USER
        and value is not None
        and (strict or name in Context.model_fields)
        and not name.startswith("__")
    }


def validate_input(value: Any) -> Any:
    """Return a run's input with an id for each message, so that a retry adds no message twice.

    Raises:
        BadInput: the value is not messages, or a message is empty.
        TooLarge: a message is too large.
    """
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) - {"messages"}:
        raise BadInput("The input has one field, messages; write {'messages': [...]}.")
    items = value.get("messages")
    if isinstance(items, list) and len(items) > MAX_MESSAGES:
        raise BadInput(f"input.messages are {len(items):,}; the limit is {MAX_MESSAGES:,}.")
    messages = read_messages(items, "input.messages")
    for message in messages:
        if isinstance(message, HumanMessage) and isinstance(message.content, str):
            validate_message(message.content)
    return {"messages": [message.model_dump(exclude_none=True) for message in with_ids(messages)]}


def _remove_prefixed(configurable: dict[str, Any], prefixes: tuple[str, ...]) -> None:
    for name in [name for name in configurable if name.startswith(prefixes)]:
        del configurable[name]
