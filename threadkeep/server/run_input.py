"""Validate what a client sends with a run, an assistant or a cron, and bind it to the user."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from langchain_core.messages import BaseMessage, HumanMessage, convert_to_messages

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import validate_message
from threadkeep.graph.context import Context
from threadkeep.memory import Memory
from threadkeep.models.provider_models import split_name
from threadkeep.prompt.run_model import choice_of
from threadkeep.stores.namespaces import threads_of, user_key

CONTEXT_PROVIDED = "__context_provided__"
"""Set by LangGraph's server if the client sent a context and no configurable."""
USER = "user_id"
RESERVED = ("__", "langgraph_auth")
TRACING = ("__pregel", "__langsmith")
"""Prefixes of names that belong to the server, or that request tracing to LangSmith."""
MOST_MESSAGES = 1_000


async def validate_run(memory: Memory, user: str, value: Mapping[str, Any]) -> None:
    """Validate a run's input and context, and bind the run to this user.

    Raises:
        BadInput: something in it is not allowed; the sentence names the field.
        NoModel: the model that it asks for cannot be used.
    """
    kwargs = value["kwargs"]
    check_webhook(kwargs)
    kwargs["input"] = validate_input(kwargs.get("input"))
    run = kwargs["config"].setdefault("configurable", {})
    _strip(run, TRACING)
    body = context_values(user, kwargs.get("context") or {}, strict=CONTEXT_PROVIDED in run)
    values = {**await _thread_context(memory, user, value.get("thread_id")), **body}
    check_model(memory, values)
    await choice_of(Context.model_validate({**values, USER: user}), memory.opened.store)
    kwargs["context"] = {**values, USER: user}
    run[USER] = user
    if not kwargs.get("temporary"):
        # A turn that was acknowledged must be there after a crash.
        kwargs["durability"] = "sync"


def check_model(memory: Memory, values: Mapping[str, Any]) -> None:
    """Refuse a model of a provider that the server does not use: its keys are not the client's.

    Raises:
        BadInput: there is one.
    """
    name = values.get("model")
    if isinstance(name, str) and split_name(name) and name != memory.settings.model:
        raise BadInput(
            f"Context: model {name!r:.60} is of a provider that this server does not use; "
            "leave model out."
        )


def validate_assistant(user: str, body: Mapping[str, Any]) -> None:
    """Validate the context that an assistant or a cron stores for its runs.

    Raises:
        BadInput: one is not allowed; the sentence names the field.
    """
    run = (body.get("config") or {}).get("configurable") or {}
    _strip(run, RESERVED)
    for values, strict in ((body.get("context"), True), (run, False)):
        if values:
            Context.model_validate({**context_values(user, values, strict=strict), USER: user})
            values.pop(USER, None)


def validate_cron(user: str, payload: dict[str, Any]) -> None:
    """Validate the input of the runs of a cron.

    Raises:
        BadInput: something in it is not allowed; the sentence names the field.
    """
    check_webhook(payload)
    validate_assistant(user, payload)
    # Its messages get their ids run by run: each run says them anew.
    validate_input(payload.get("input"))


def check_webhook(body: Mapping[str, Any]) -> None:
    """Refuse a webhook: nothing is sent anywhere.

    Raises:
        BadInput: there is one.
    """
    if body.get("webhook"):
        raise BadInput("webhook is not allowed; this server sends nothing anywhere.")


def context_values(user: str, context: Mapping[str, Any], *, strict: bool) -> dict[str, Any]:
    """Return the fields of a context without the user id.

    Raises:
        BadInput: it names another user, or with `strict` a field that there is not.
    """
    user_id = context.get(USER)
    if user_id not in (None, "", user):
        raise BadInput(
            f"Context: user_id {user_id!r:.60} is not the user of this token; leave it out."
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
    """Return a run's input with an id for each message, so that a retry adds none.

    Raises:
        BadInput: it is no messages, or one of them is empty or too large.
    """
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) - {"messages"}:
        raise BadInput("The input has one field, messages; write {'messages': [...]}.")
    messages = value.get("messages") or []
    try:
        read = convert_to_messages(messages if isinstance(messages, list) else [messages])
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f"input.messages are no messages ({reason}).") from None
    if len(read) > MOST_MESSAGES:
        raise BadInput(f"input.messages are {len(read):,}; the limit is {MOST_MESSAGES:,}.")
    for message in read:
        if isinstance(message, HumanMessage) and isinstance(message.content, str):
            message.content = validate_message(message.content)
    return {"messages": [_with_id(message) for message in read]}


async def _thread_context(memory: Memory, user: str, thread: object) -> dict[str, Any]:
    """Return the context that was set for this thread."""
    if thread is None:
        return {}
    key = await user_key(memory.opened.store, user)
    record = await memory.opened.store.aget(threads_of(key), str(thread), refresh_ttl=False)
    return dict(record.value.get("context") or {}) if record else {}


def _strip(run: dict[str, Any], beginnings: tuple[str, ...]) -> None:
    for name in [value for value in run if value.startswith(beginnings)]:
        del run[name]


def _with_id(message: BaseMessage) -> dict[str, Any]:
    return {**message.model_dump(exclude_none=True), "id": message.id or str(uuid4())}
