"""New SQLite files: their folder, and the mark that they are threadkeep's."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

APPLICATION_ID = 0x746B6570
"""The mark in the header of the file: "tkep"."""


def create_sqlite_file(path: Path) -> None:
    """Create the file and its folder unless they exist; mark an empty file as threadkeep's.

    Raises:
        sqlite3.Error: the file cannot be opened.
    """
    with suppress(OSError):  # SQLite reports a missing folder.
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        (tables,) = conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if not tables:
            conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
