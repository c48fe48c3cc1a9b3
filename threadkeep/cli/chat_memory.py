"""What the chat's commands ask of memory and change in it, on this machine or behind a server."""

import sys

from threadkeep import turn_memory as remembered
from threadkeep.base.errors import BadInput
from threadkeep.cli import agent as anywhere
from threadkeep.cli.failures import complain
from threadkeep.cli.memory import corrected_lines, pin_lines, tell_pinned
from threadkeep.cli.show_why import why_lines
from threadkeep.graph.context import Context
from threadkeep.knowledge.corrections import CorrectionResult
from threadkeep.knowledge.explanation import Explanation
from threadkeep.knowledge.pins import Pin
from threadkeep.turn_agent import Agent


class Here:
    """The memory of this machine, as `RemoteAgent` gives a server's."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    async def why(self, context: Context, name: str) -> Explanation:
        """Return what the last answer of a thread rests on."""
        return await remembered.why(self._agent, context, name)

    async def correct(self, context: Context, given: str, text: str) -> CorrectionResult:
        """Let a memory say something else from now on."""
        return await remembered.correct(self._agent, context.user_id, given, text)

    async def pin(self, context: Context, given: str) -> Pin:
        """Let a memory always be shown."""
        return await remembered.pin(self._agent, context, given)

    async def unpin(self, context: Context, given: str) -> str:
        """Let a memory no longer always be shown; return its id."""
        return await remembered.unpin(self._agent, context.user_id, given)

    async def pins(self, context: Context) -> list[Pin]:
        """Return what is pinned, the earliest pin first."""
        return await remembered.pins(self._agent, context)


async def obey(agent: anywhere.Agent, context: Context, thread: str, word: str, rest: str) -> None:
    """Obey one of /why, /correct, /pin and /unpin.

    Raises:
        BadInput: it lacks an id or a text, or there is no such memory.
        RemoteServerFailed: the server says so.
    """
    memory = Here(agent) if isinstance(agent, Agent) else anywhere.behind_server(agent)
    lines: list[str] = []
    first, _, text = rest.partition(" ")
    if word == "/why":
        lines = why_lines(await memory.why(context, thread))
    elif word == "/correct":
        if not text.strip():
            raise BadInput("What should it say? Write it like /correct 1f3a9c02 We met in May.")
        lines = corrected_lines(await memory.correct(context, first, text))
    elif word == "/unpin":
        complain(f"No longer pinned: {await memory.unpin(context, first)}")
    elif first:
        tell_pinned(await memory.pin(context, first), context)
    else:
        lines = pin_lines(await memory.pins(context)) or ["Nothing is pinned."]
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
