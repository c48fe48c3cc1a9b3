"""Which thread and which model a command means."""

import secrets
from typing import TYPE_CHECKING

from graph.clock import now
from graph.errors import BadInput

if TYPE_CHECKING:
    from turns.agent import Agent


def new_thread() -> str:
    """Return a fresh name: the day, and a few letters that make it unique."""
    return f"{now():%Y-%m-%d}-{secrets.token_hex(3)}"


async def last_thread(agent: "Agent", user: str, why: str = "to continue") -> str:
    """Return the name of the thread that the user used last.

    Raises:
        BadInput: the user has none.
    """
    from checkpoints.records import list_records
    from stores.namespaces import threads_of, user_key

    records = await list_records(agent.store, threads_of(await user_key(agent.store, user)), 1)
    if not records:
        raise BadInput(f"User {user!r} has no thread {why}; begin one with threadkeep ask.")
    return str(records[0].value["name"])
