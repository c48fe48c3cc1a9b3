"""What a client sends with a run or an assistant: checked, and made the caller's own."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from langchain_core.messages import BaseMessage, HumanMessage, convert_to_messages

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import validate_message
from threadkeep.graph.context import Context
from threadkeep.memory import Memory
from threadkeep.prompt.run_model import choice_of
from threadkeep.stores.namespaces import threads_of, user_key

GIVEN = "__context_provided__"
"""Set by LangGraph's server where the caller sent a context, and no configurable."""
USER = "user_id"
RESERVED = ("__", "langgraph_auth")
TRACING = ("__pregel", "__langsmith")
"""Beginnings of names that are the server's own, or ask for runs to be sent to LangSmith."""
MOST_MESSAGES = 1_000


async def check_run(memory: Memory, user: str, value: Mapping[str, Any]) -> None:
    """Check a run's input and context, and let it be this user's, whatever it says.

    Raises:
        BadInput: something in it is not allowed; the sentence names the field.
        NoModel: the model that it asks for cannot be used.
    """
    kwargs = value["kwargs"]
    check_webhook(kwargs)
    kwargs["input"] = checked_input(kwargs.get("input"))
    run = kwargs["config"].setdefault("configurable", {})
    _strip(run, TRACING)
    told = told_context(user, kwargs.get("context") or {}, strict=GIVEN in run)
    chosen = {**await _choices(memory, user, value.get("thread_id")), **told}
    await choice_of(Context.model_validate({**chosen, USER: user}), memory.opened.store)
    kwargs["context"] = {**chosen, USER: user}
    run[USER] = user
    if not kwargs.get("temporary"):
        # A turn that was acknowledged must be there after a crash.
        kwargs["durability"] = "sync"


def check_choices(user: str, told: Mapping[str, Any]) -> None:
    """Check the choices that an assistant or a cron keeps for its runs.

    Raises:
        BadInput: one is not allowed; the sentence names the field.
    """
    run = (told.get("config") or {}).get("configurable") or {}
    _strip(run, RESERVED)
    for kept, strict in ((told.get("context"), True), (run, False)):
        if kept:
            Context.model_validate({**told_context(user, kept, strict=strict), USER: user})
            kept.pop(USER, None)


def check_cron(user: str, payload: dict[str, Any]) -> None:
    """Check what the runs of a cron will be given.

    Raises:
        BadInput: something in it is not allowed; the sentence names the field.
    """
    check_webhook(payload)
    check_choices(user, payload)
    # Its messages get their ids run by run: each run says them anew.
    checked_input(payload.get("input"))


def check_webhook(told: Mapping[str, Any]) -> None:
    """Refuse to send what was said to anywhere.

    Raises:
        BadInput: a webhook is asked for.
    """
    if told.get("webhook"):
        raise BadInput("webhook is not allowed; this server sends nothing anywhere.")


def told_context(user: str, context: Mapping[str, Any], *, strict: bool) -> dict[str, Any]:
    """Return what is told of the context's fields but the user.

    Raises:
        BadInput: it names another user, or with `strict` a field that there is not.
    """
    named = context.get(USER)
    if named not in (None, "", user):
        raise BadInput(
            f"Context: user_id {named!r:.60} is not the user of this token; leave it out."
        )
    return {
        name: each
        for name, each in context.items()
        if name != USER
        and each is not None
        and (strict or name in Context.model_fields)
        and not name.startswith("__")
    }


def checked_input(given: Any) -> Any:
    """Return a run's input with an id for each message, so that a run tried again adds none.

    Raises:
        BadInput: it is no messages, or one of them is empty or too large.
    """
    if given is None:
        return None
    if not isinstance(given, dict) or set(given) - {"messages"}:
        raise BadInput("The input has one field, messages; write {'messages': [...]}.")
    messages = given.get("messages") or []
    try:
        read = convert_to_messages(messages if isinstance(messages, list) else [messages])
    except Exception as error:
        said = " ".join(str(error).split())[:200]
        raise BadInput(f"input.messages are no messages ({said}).") from None
    if len(read) > MOST_MESSAGES:
        raise BadInput(f"input.messages are {len(read):,}; the limit is {MOST_MESSAGES:,}.")
    for message in read:
        if isinstance(message, HumanMessage) and isinstance(message.content, str):
            message.content = validate_message(message.content)
    return {"messages": [_with_id(message) for message in read]}


async def _choices(memory: Memory, user: str, thread: object) -> dict[str, Any]:
    """Return what was chosen for this thread's turns alone."""
    if thread is None:
        return {}
    key = await user_key(memory.opened.store, user)
    record = await memory.opened.store.aget(threads_of(key), str(thread), refresh_ttl=False)
    return dict(record.value.get("context") or {}) if record else {}


def _strip(run: dict[str, Any], beginnings: tuple[str, ...]) -> None:
    for name in [each for each in run if each.startswith(beginnings)]:
        del run[name]


def _with_id(message: BaseMessage) -> dict[str, Any]:
    return {**message.model_dump(exclude_none=True), "id": message.id or str(uuid4())}
