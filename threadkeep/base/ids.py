"""Names that the program gives by itself."""

import secrets

from threadkeep.base.clock import now


def new_thread_name() -> str:
    """Return a fresh name of a thread: the day, and a few letters that make it unique."""
    return f"{now():%Y-%m-%d}-{secrets.token_hex(3)}"
