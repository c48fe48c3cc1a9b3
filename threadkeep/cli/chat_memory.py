"""What the chat's commands read of memory and change in it."""

import sys
from collections.abc import Mapping
from typing import Any

from threadkeep.base.errors import BadInput
from threadkeep.cli.failures import complain
from threadkeep.cli.memory import corrected_lines, pin_lines, tell_pinned
from threadkeep.cli.show_why import why_lines
from threadkeep.graph.context import Context
from threadkeep.protocol import MemoryProtocol


async def run_command(
    memory: MemoryProtocol,
    user_id: str | None,
    context: Mapping[str, Any],
    thread: str,
    command: str,
    rest: str,
) -> None:
    """Run one of /why, /correct, /pin and /unpin.

    Raises:
        BadInput: an id or a text is missing, or there is no such memory.
        RemoteServerFailed: the server refuses.
    """
    lines: list[str] = []
    first, _, text = rest.partition(" ")
    if command == "/why":
        lines = why_lines(await memory.why(thread, user_id=user_id))
    elif command == "/correct":
        if not text.strip():
            raise BadInput("What should it say? Write it like /correct 1f3a9c02 We met in May.")
        lines = corrected_lines(await memory.correct(first, text, user_id=user_id))
    elif command == "/unpin":
        complain(f"No longer pinned: {await memory.unpin(first, user_id=user_id)}")
    elif first:
        pin = await memory.pin(first, context=context, user_id=user_id)
        tell_pinned(pin, Context.model_validate({**context, "user_id": user_id or "me"}))
    else:
        pins = await memory.pins(context=context, user_id=user_id)
        lines = pin_lines(pins) or ["Nothing is pinned."]
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
