"""`threadkeep import` of an export: validate it as a whole, then restore it."""

from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.cli.connection import with_memory
from threadkeep.cli.output import count_of, print_lines, print_notice
from threadkeep.cli.progress import open_progress
from threadkeep.stores.indexing import Progress
from threadkeep.transfer.export_reader import open_export, validate_export
from threadkeep.transfer.importers.transcript import ImportPath
from threadkeep.transfer.restore import RestoreResult


def run_restore(
    settings: Settings,
    path: ImportPath,
    user: str | None,
    thread: str | None,
    *,
    again: bool = False,
) -> None:
    """Restore an export with a progress bar, and print the result."""
    if thread is not None:
        raise BadInput("An export names its own threads; leave --thread out.")
    try:
        with open_progress("Importing") as progress:
            result = restore_file(settings, path, user_id=user, again=again, progress=progress)
    except KeyboardInterrupt:
        print_notice("What went in until now stays; import the file again for the rest.")
        raise
    for old, new in result.renamed.items():
        print_notice(
            f"Another thread is called {old!r} already; the one of the file is {new!r} now."
        )
    if number := result.forgotten:
        print_notice(forgotten_notice(number))
    threads = count_of(result.threads, "thread")
    summary = f"{count_of(result.messages, 'message')} of 1 user in {threads}"
    print_lines([f"{summary}, {result.new:,} of them new."])


def forgotten_notice(number: int) -> str:
    """Return the sentence about messages that an import left out."""
    count = f"{count_of(number, 'message')} {'was' if number == 1 else 'were'}"
    return f"{count} forgotten before and stay{'s' * (number == 1)} out; take in with --again."


def restore_file(
    settings: Settings,
    path: ImportPath,
    *,
    user_id: str | None = None,
    again: bool = False,
    progress: Progress | None = None,
) -> RestoreResult:
    """Restore an export and index it, for its own user unless another is named.

    Raises:
        BadInput: the file cannot be read, or is no complete export; nothing of it was stored.
    """
    with open_export(path) as file:
        # Validated before the memory is opened, so that an invalid file creates no data folder.
        summary = validate_export(file, str(path))
        return with_memory(
            settings,
            lambda memory: memory.restore(
                file, summary=summary, again=again, progress=progress, user_id=user_id
            ),
        )
