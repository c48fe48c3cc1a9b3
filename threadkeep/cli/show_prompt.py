"""`threadkeep threads prompt`: what a model is shown of a thread, and what it takes."""

import json
import sys
from typing import Any

from langchain_core.messages import BaseMessage, convert_to_openai_messages

from threadkeep.base.message_text import text_with_tool_calls
from threadkeep.base.settings import Settings
from threadkeep.base.validation import validate_id
from threadkeep.cli.connection import with_memory
from threadkeep.cli.failures import complain


def show_prompt(
    settings: Settings, user_id: str, name: str, choices: dict[str, Any], *, as_json: bool
) -> None:
    """Print the prompt of the thread as it stands, without a call to the model."""
    name = validate_id(name, "thread")
    plan = with_memory(settings, lambda memory: memory.prompt(name, choices, user_id=user_id))
    if as_json:
        prompt = convert_to_openai_messages(plan.prompt)
        report = {"prompt": prompt, "tokens": plan.ledger}
        sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
        return
    sys.stdout.write("\n\n".join(map(_line, plan.prompt)) + "\n")
    complain(
        f"{plan.ledger['prompt']:,} tokens, {plan.ledger['free']:,} of "
        f"{plan.ledger['limit']:,} still free."
    )


def _line(message: BaseMessage) -> str:
    role = {"human": "user", "ai": "assistant"}.get(message.type, message.type)
    return f"{message.name or role}: {text_with_tool_calls(message)}"
