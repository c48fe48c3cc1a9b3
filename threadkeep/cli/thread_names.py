"""Which thread a command means."""

import secrets

from threadkeep.base.clock import now


def new_thread() -> str:
    """Return a fresh name: the day, and a few letters that make it unique."""
    return f"{now():%Y-%m-%d}-{secrets.token_hex(3)}"
