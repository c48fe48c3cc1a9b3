"""`threadkeep usage`: the tokens of the calls to the model."""

from threadkeep.base.settings import Settings
from threadkeep.cli.connection import with_memory
from threadkeep.cli.output import json_line, print_lines
from threadkeep.stores.usage import By, Usage


def show_usage(settings: Settings, user_id: str, by: By, *, as_json: bool) -> None:
    """Print the sums of a user by day, thread or purpose, and last the total."""
    rows = with_memory(settings, lambda memory: memory.usage(by, user_id=user_id))
    print_lines(
        json_line({by: name, **usage}) if as_json else _line(name, usage)
        for name, usage in rows.items()
    )


def _line(name: str, usage: Usage) -> str:
    estimated = f", {usage['estimated']} of the calls estimated" if usage["estimated"] else ""
    return (
        f"{name}  {usage['calls']:,} calls, {usage['prompt']:,} tokens in "
        f"({usage['cached']:,} cached), {usage['reply']:,} out{estimated}"
    )
