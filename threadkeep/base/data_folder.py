"""The data folder: made readable by its owner only, and not taken where it was emptied."""

import os
from pathlib import Path

from threadkeep.base.errors import StorageFailed
from threadkeep.base.private_files import create_private_folder
from threadkeep.base.settings import Settings


def create_data_folder(settings: Settings) -> None:
    """Create the data folder, readable by its owner only.

    Raises:
        StorageFailed: the folder cannot be made or written.
    """
    try:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings.locks.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        create_private_folder(settings.locks)
        writable = os.access(settings.home, os.W_OK | os.X_OK)
    except OSError as error:
        raise StorageFailed(
            f"The data folder {str(settings.home)!r} cannot be made ({error.strerror}); "
            "set THREADKEEP_HOME to a folder that you may write."
        ) from error
    if not writable:
        raise StorageFailed(
            f"The data folder {str(settings.home)!r} is read-only; "
            "make it writable, or set THREADKEEP_HOME to another folder."
        )
    for database in (settings.checkpoint_database, settings.item_database):
        if database.kind == "sqlite":
            _refuse_emptied(database.path, settings)


def _refuse_emptied(path: Path, settings: Settings) -> None:
    """Refuse a database of no bytes where traces of an earlier use are left.

    Raises:
        StorageFailed: the database was emptied.
    """
    if not path.is_file() or path.stat().st_size:
        return
    log = path.with_name(f"{path.name}-wal")
    has_turns = settings.locks.is_dir() and any(settings.locks.glob("*.lock"))
    if has_turns or (log.is_file() and log.stat().st_size):
        raise StorageFailed(
            f"The database {str(path)!r} is empty although it was used before; "
            "restore it from a backup, or delete the file to begin anew."
        )
