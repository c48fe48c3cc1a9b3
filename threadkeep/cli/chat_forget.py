"""`/forget` in the chat: the same as `threadkeep forget`."""

from threadkeep.base.errors import BadInput
from threadkeep.cli import agent as anywhere
from threadkeep.cli.forget import open_steps
from threadkeep.erase.plan import Target
from threadkeep.erase.receipt import Receipt
from threadkeep.graph.context import Context
from threadkeep.turn_agent import Agent

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
        BadInput: there is no such thing.
        RemoteServerFailed: the server says so.
    """
    if isinstance(agent, Agent):
        return (await agent.plan_erasure(context, target)).lines()
    return await anywhere.behind_server(agent).plan_forgetting(target)


async def forget(
    agent: anywhere.Agent, context: Context, target: Target, *, verify: bool
) -> Receipt:
    """Forget it, and return the receipt.

    Raises:
        BadInput: a server's files are to be read.
    """
    if not isinstance(agent, Agent):
        if verify:
            raise BadInput("--verify reads files: on the server, threadkeep forget does so.")
        return await anywhere.behind_server(agent).forget(target)
    with open_steps() as progress:
        return await agent.forget(context, target, verify=verify, progress=progress)
