"""Names that the program gives by itself."""

import secrets

from threadkeep.base.clock import as_local, now


def new_thread_name() -> str:
    """Return a fresh name of a thread: the day, and a few letters that make it unique."""
    return f"{as_local(now()):%Y-%m-%d}-{secrets.token_hex(3)}"
