"""Validate the options of a run, beside its input and its context; both servers refuse the same."""

from collections.abc import Mapping
from typing import Any

from threadkeep.base.errors import BadInput
from threadkeep.server.request_values import object_of

OUTWARD = ("webhook", "feedback_keys", "langsmith_tracer")
"""Options with which LangGraph's server sends requests to somebody."""
CONFIG_FIELDS = ("tags", "metadata", "recursion_limit", "configurable", "max_concurrency")
MAX_STEPS = 10_000
MAX_DELAY_SECONDS = 366 * 24 * 3_600
CHOICES = {
    "on_disconnect": ("cancel", "continue"),
    "on_completion": ("keep", "delete", "complete", "continue"),
    "if_not_exists": ("create", "reject"),
    "durability": ("sync", "async", "exit"),
}


def check_run_options(body: Mapping[str, Any]) -> None:
    """Refuse options that no server follows, and values that no run can use.

    Raises:
        BadInput: an option is not allowed; the sentence names it.
    """
    check_outward(body)
    for name, choices in CHOICES.items():
        if body.get(name) is not None and body[name] not in choices:
            raise BadInput(f"{name} {body[name]!r:.40} is not known; use {' or '.join(choices)}.")
    check_config(body.get("config"))
    object_of(body.get("metadata"), "metadata")
    _check_command(body.get("command"))
    for name in ("interrupt_before", "interrupt_after"):
        nodes = body.get(name)
        if nodes is not None and nodes != "*" and not _are_strings(nodes):
            raise BadInput(f"{name} is not a list of nodes; write ['call_model'].")
    delay = body.get("after_seconds")
    is_number = isinstance(delay, int | float) and not isinstance(delay, bool)
    if delay is not None and not (is_number and 0 <= delay <= MAX_DELAY_SECONDS):
        raise BadInput(
            f"after_seconds {delay!r:.40} is not allowed; "
            f"write a number from 0 to {MAX_DELAY_SECONDS:,}."
        )


def check_outward(body: Mapping[str, Any]) -> None:
    """Refuse options that make a server send requests: it sends nothing anywhere.

    Raises:
        BadInput: the body names such an option.
    """
    for name in OUTWARD:
        if body.get(name):
            raise BadInput(f"{name} is not allowed; this server sends nothing anywhere.")


def check_config(value: Any) -> None:
    """Refuse a config that LangGraph cannot run with.

    Raises:
        BadInput: a field is not allowed.
    """
    config = object_of(value, "config")
    for name in config:
        if name not in CONFIG_FIELDS:
            raise BadInput(
                f"config: there is no field {name!r:.40}; the fields are "
                f"{', '.join(CONFIG_FIELDS)}."
            )
    for name in ("configurable", "metadata"):
        object_of(config.get(name), f"config.{name}")
    if not (config.get("tags") is None or _are_strings(config["tags"])):
        raise BadInput("config.tags is not a list of texts.")
    for name in ("recursion_limit", "max_concurrency"):
        _check_count(config.get(name), f"config.{name}")


def _check_count(value: Any, name: str) -> None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if value is not None and not (is_number and 1 <= value <= MAX_STEPS):
        raise BadInput(
            f"{name} {value!r:.40} is not allowed; write a number from 1 to {MAX_STEPS:,}."
        )


def _check_command(value: Any) -> None:
    goto = object_of(value, "command").get("goto")
    if goto is not None and not isinstance(goto, str) and not _are_strings(goto):
        raise BadInput("command.goto is not the name of a node, nor a list of names.")


def _are_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
