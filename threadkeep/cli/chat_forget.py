"""The arguments of `/forget` in the chat."""

from dataclasses import dataclass

from threadkeep.base.errors import BadInput
from threadkeep.erase.plan import Target

YES, VERIFY, KEEP_MESSAGES = "--yes", "--verify", "--keep-messages"
USAGE = (
    "/forget ID forgets a message, fact or entity, /forget thread [NAME] a thread, "
    "/forget everything all there is; --verify reads every file, --yes does not ask."
)


@dataclass(frozen=True)
class ForgetOptions:
    """What to erase, and how."""

    target: Target
    verify: bool
    yes: bool


def parse_forget(arguments: str, thread: str) -> ForgetOptions:
    """Return the target and the options; `thread` is the thread of the chat.

    Raises:
        BadInput: no target is named.
    """
    words = arguments.split()
    options = {YES, VERIFY, KEEP_MESSAGES}.intersection(words)
    names = [word for word in words if word not in options]
    if not names:
        raise BadInput(USAGE)
    if names == ["everything"]:
        target = Target(kind="user")
    elif names[0] == "thread":
        target = Target(kind="thread", name=" ".join(names[1:]) or thread)
    else:
        keep_messages = KEEP_MESSAGES in options
        target = Target(kind="memory", name=" ".join(names), keep_messages=keep_messages)
    return ForgetOptions(target, verify=VERIFY in options, yes=YES in options)
