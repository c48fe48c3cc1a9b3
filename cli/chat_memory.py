"""What the chat's commands ask of memory and change in it."""

import sys

from cli import agent as anywhere
from cli.complaints import complain
from cli.memory import corrected_lines, pin_lines, tell_pinned
from cli.show_why import why_lines
from graph.context import Context
from graph.errors import BadInput
from turns.agent import Agent
from turns.remembered import correct, pin, pins, unpin, why


async def obey(agent: anywhere.Agent, context: Context, thread: str, word: str, rest: str) -> None:
    """Obey one of /why, /correct, /pin and /unpin.

    Raises:
        BadInput: it lacks an id or a text, there is no such memory, or it is behind a server.
    """
    if not isinstance(agent, Agent):
        raise BadInput(f"{word} works on this machine's own memory, not on a server's.")
    lines: list[str] = []
    first, _, text = rest.partition(" ")
    if word == "/why":
        lines = why_lines(await why(agent, context, thread))
    elif word == "/correct":
        if not text.strip():
            raise BadInput("What should it say? Write it like /correct 1f3a9c02 We met in May.")
        lines = corrected_lines(await correct(agent, context.user_id, first, text))
    elif word == "/unpin":
        complain(f"No longer pinned: {await unpin(agent, context.user_id, first)}")
    elif first:
        tell_pinned(await pin(agent, context, first), context)
    else:
        lines = pin_lines(await pins(agent, context)) or ["Nothing is pinned."]
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
