"""`threadkeep threads prompt`: what a model is shown of a thread, and what it costs."""

from collections.abc import Iterable, Mapping
from typing import Any

from langchain_core.messages import BaseMessage, convert_to_openai_messages

from threadkeep.base.message_text import transcript_of
from threadkeep.base.settings import Settings
from threadkeep.base.validation import validate_id
from threadkeep.cli.connection import with_memory
from threadkeep.cli.context_options import context_fields, validate_fields
from threadkeep.cli.output import json_line, print_lines, print_notice


def show_prompt(
    settings: Settings,
    user_id: str,
    name: str,
    preset: str | None,
    pairs: Iterable[str] | None,
    *,
    as_json: bool,
) -> None:
    """Print the prompt of the thread in its present state, without a call to the model."""
    name = validate_id(name, "thread")
    context = validate_fields(context_fields(pairs, memory=preset))
    plan = with_memory(settings, lambda memory: memory.prompt(name, context, user_id=user_id))
    if as_json:
        prompt: Any = convert_to_openai_messages(plan.prompt)
        print_lines([json_line({"prompt": prompt, "tokens": plan.ledger})])
        return
    print_lines(["\n\n".join(map(_paragraph, plan.prompt))])
    print_notice(
        f"{plan.ledger['prompt']:,} tokens, {plan.ledger['free']:,} of "
        f"{plan.ledger['limit']:,} still free.{shortened_notice(plan.ledger)}"
    )


def shortened_notice(ledger: Mapping[str, Any]) -> str:
    """Return the sentence that says what was cut to fit, behind a blank; empty if nothing was."""
    cut = ledger.get("shortened")
    if not cut:
        return ""
    messages = f"{cut['messages']:,} message{'s' if cut['messages'] > 1 else ''}"
    return f" {messages} cut to fit the window, {cut['tokens']:,} tokens left out."


def _paragraph(message: BaseMessage) -> str:
    role = {"human": "user", "ai": "assistant"}.get(message.type, message.type)
    return f"{message.name or role}: {transcript_of(message)}"
