"""Whether a config, a thread id, a record and a checkpoint are the user's to use."""

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointTuple

from threadkeep.base.errors import AccessRefused
from threadkeep.base.user import USER_KEY
from threadkeep.base.validation import validate_id
from threadkeep.checkpoints.owner_records import RECORD_PREFIX, OwnerRecord


def thread_of(config: RunnableConfig) -> str:
    """Return the thread that a config names.

    Raises:
        AccessRefused: it names none, or one that is kept for other purposes.
        BadInput: the id is not text, or of no form that can be kept everywhere.
    """
    thread = (config.get("configurable") or {}).get("thread_id")
    if thread is None:
        raise AccessRefused("No thread is named; put its id into config['configurable'].")
    return check_thread(thread)


def check_thread(thread: object) -> str:
    """Return a thread id; only text is one, so that 1 and "1" are never mistaken.

    Raises:
        AccessRefused: the id is kept for other purposes, or has another spelling.
        BadInput: it is not text, too long, or holds what databases refuse.
    """
    normal = validate_id(thread, "thread id")
    if normal != thread or normal.startswith(RECORD_PREFIX):
        raise AccessRefused(f"The thread id {thread!r:.60} is not to be used; take a plain UUID.")
    return normal


def checked(record: OwnerRecord, thread: str, user: str) -> OwnerRecord:
    """Return the record of a thread that belongs to the user or to nobody yet.

    Raises:
        AccessRefused: it is another user's.
    """
    if not record.is_of(user):
        raise AccessRefused(f"Thread {thread!r} belongs to another user; use one of your own.")
    return record


def given(found: CheckpointTuple, thread: str, user: str) -> CheckpointTuple:
    """Return the checkpoint with its owner in the configs, so that they can be used again.

    Raises:
        AccessRefused: it is another user's, whatever the thread's record says.
    """
    if found.metadata.get(USER_KEY) != user:
        raise AccessRefused(f"Thread {thread!r} belongs to another user; use one of your own.")
    parent = named(found.parent_config, user) if found.parent_config else None
    return found._replace(config=named(found.config, user), parent_config=parent)


def named(config: RunnableConfig, user: str) -> RunnableConfig:
    """Return the config with the user in it."""
    return {**config, "configurable": {**config["configurable"], USER_KEY: user}}
