"""`threadkeep report`: all that is known of a user as one page."""

import sys
from collections.abc import Callable
from pathlib import Path

from threadkeep.base.settings import Settings
from threadkeep.base.user import acting_as
from threadkeep.cli.event_loop import run
from threadkeep.cli.export_file import open_memory, whole_file
from threadkeep.transfer.report import report_user


def run_report(settings: Settings, user: str, out: Path | None) -> None:
    """Write the page; a file appears only when it is whole."""

    async def write(put: Callable[[str], object]) -> None:
        async with open_memory(settings) as (store, saver):
            with acting_as(user):
                async for piece in report_user(store, saver, user):
                    put(piece)

    if out is None:
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
        run(write(sys.stdout.write))
    else:
        with whole_file(out) as put:
            run(write(put))
