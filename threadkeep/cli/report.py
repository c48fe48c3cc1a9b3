"""`threadkeep report`: all that is known of a user as one page."""

from pathlib import Path

from threadkeep.base.settings import Settings
from threadkeep.cli.export_file import write_all


def run_report(settings: Settings, user_id: str, out: Path | None) -> None:
    """Write the page to `out` or stdout; a file appears only when it is complete."""
    write_all(settings, out, lambda memory: memory.report(user_id=user_id))
