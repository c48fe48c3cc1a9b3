"""`/forget` in the chat: the same as `threadkeep forget`."""

from cli import agent as anywhere
from cli.forget import open_steps
from erasure.plan import Target
from erasure.receipt import Receipt
from graph.context import Context
from graph.errors import BadInput
from turns.agent import Agent

YES, VERIFY, KEEP = "--yes", "--verify", "--keep-messages"
USAGE = (
    "/forget ID forgets a message, fact or entity, /forget thread [NAME] a thread, "
    "/forget everything all there is; --verify reads every file, --yes does not ask."
)


def parse(rest: str, thread: str) -> tuple[Target, bool, bool]:
    """Return what is meant, whether it is verified, and whether nobody is asked.

    Raises:
        BadInput: nothing is named.
    """
    words = rest.split()
    options = {word for word in words if word in (YES, VERIFY, KEEP)}
    named = [word for word in words if word not in options]
    if not named:
        raise BadInput(USAGE)
    if named == ["everything"]:
        target = Target(kind="user")
    elif named[0] == "thread":
        target = Target(kind="thread", name=" ".join(named[1:]) or thread)
    else:
        target = Target(kind="memory", name=" ".join(named), keep_messages=KEEP in options)
    return target, VERIFY in options, YES in options


async def plan(agent: anywhere.Agent, context: Context, target: Target) -> list[str]:
    """Return what would go, in lines.

    Raises:
        BadInput: there is no such thing, or it is behind a server.
    """
    return (await _here(agent).plan_erasure(context, target)).lines()


async def forget(
    agent: anywhere.Agent, context: Context, target: Target, *, verify: bool
) -> Receipt:
    """Forget it, and return the receipt."""
    with open_steps() as progress:
        return await _here(agent).forget(context, target, verify=verify, progress=progress)


def _here(agent: anywhere.Agent) -> Agent:
    if not isinstance(agent, Agent):
        raise BadInput("/forget works on this machine's own memory, not on a server's.")
    return agent
