"""What the offline model quotes: words that somebody said, when and where."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Quote:
    """A message, or a part of one."""

    text: str
    speaker: str
    """`user`, `assistant`, a name, or "" for a summary."""
    time: str = ""
    """ISO 8601; "" where it is not known."""
    thread: str = ""
    """Its name; "" for this thread."""
    is_fact: bool = False
    """A sentence of a fact, not what somebody said."""
    is_sure: bool = False
    """Whether it has all words that the question is about."""
