"""`/forget` in the chat: the same as `threadkeep forget`."""

from threadkeep.base.errors import BadInput
from threadkeep.erase.plan import Target

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
