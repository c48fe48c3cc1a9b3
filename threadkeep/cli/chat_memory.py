"""The commands of the chat that read memory or change it: /why, /correct, /pin and /unpin."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from threadkeep.base.errors import BadInput
from threadkeep.cli.context_options import context_of
from threadkeep.cli.corrections import correction_lines
from threadkeep.cli.output import print_lines, print_notice
from threadkeep.cli.pins import pin_lines, print_pin
from threadkeep.cli.why import explanation_lines
from threadkeep.protocol import MemoryProtocol


async def run_memory_command(
    memory: MemoryProtocol,
    user_id: str | None,
    context: Mapping[str, Any],
    thread: str,
    command: str,
    arguments: str,
) -> None:
    """Run one of /why, /correct, /pin and /unpin.

    Raises:
        BadInput: an id or a text is missing, or there is no such memory.
        RemoteServerFailed: the server refuses.
    """
    lines: Iterable[str] = ()
    memory_id, _, text = arguments.partition(" ")
    if command == "/why":
        lines = explanation_lines(await memory.why(thread, user_id=user_id))
    elif command == "/correct":
        if not text.strip():
            raise BadInput("What should it say? Write it like /correct 1f3a9c02 We met in May.")
        lines = correction_lines(await memory.correct(memory_id, text, user_id=user_id))
    elif command == "/unpin":
        print_notice(f"No longer pinned: {await memory.unpin(memory_id, user_id=user_id)}")
    elif memory_id:
        pin = await memory.pin(memory_id, context=context, user_id=user_id)
        print_pin(pin, context_of(user_id, context))
    else:
        pins = await memory.pins(context=context, user_id=user_id)
        lines = pin_lines(pins) or ["Nothing is pinned."]
    print_lines(lines)
    sys.stdout.flush()
