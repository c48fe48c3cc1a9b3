"""Print the reply of a turn: as it comes on a terminal, whole into a pipe or a file."""

import sys
from typing import TYPE_CHECKING

from threadkeep.cli.output import TextWriter, inert, write_text

if TYPE_CHECKING:
    from threadkeep.turn import Turn

DIM, PLAIN = "\033[2m", "\033[0m"


async def print_reply(turn: "Turn", *, show_reasoning: bool = False) -> None:
    """Print the reply to stdout and, if wanted, its reasoning to stderr before it.

    Only the end of a reply tells for sure what of it was reasoning, so a pipe gets it then.
    """
    streams, writer = sys.stdout.isatty(), TextWriter(sys.stdout)
    is_streaming = False
    async for piece in turn:
        if not (streams and piece):
            continue
        if not is_streaming and show_reasoning:
            print_reasoning(turn.reasoning)
        is_streaming = True
        writer.write(piece)
        sys.stdout.flush()
    writer.close()
    if is_streaming:
        return
    if show_reasoning:
        print_reasoning(turn.reasoning)
    write_text(turn.reply)


def print_reasoning(text: str) -> None:
    """Print reasoning to stderr, dim on a terminal."""
    text = text.strip()
    if text:
        is_terminal = sys.stderr.isatty()
        dim = f"{DIM}{inert(text)}{PLAIN}" if is_terminal else text
        sys.stderr.write(f"{dim}\n")
        sys.stderr.flush()
