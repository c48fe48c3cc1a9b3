"""Choose the working folder of a development server, where it writes its rows.

A server that is started on another port goes on with the rows of the last one; two servers at
once have a folder each.
"""

import os
from pathlib import Path

ROWS = Path(".langgraph_api", ".langgraph_ops.pckl")
LOCK = "in-use.lock"


def choose_folder(parent: Path, port: int) -> Path:
    """Return the folder of a server, locked by this process and by what it replaces itself by.

    The port's own folder comes first, then the one that was written last, then a new one.
    """
    own = parent / str(port)
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    others = sorted(
        (folder for folder in parent.iterdir() if (folder / ROWS).exists() and folder != own),
        key=lambda folder: (folder / ROWS).stat().st_mtime,
        reverse=True,
    )
    for folder in ([own] if own.exists() else []) + others:
        if _lock(folder):
            return folder
    own.mkdir(mode=0o700, exist_ok=True)
    _lock(own)
    return own


def _lock(folder: Path) -> bool:
    """Lock a folder until the process ends; return whether it was free."""
    try:
        import fcntl
    except ImportError:  # Windows: another server is taken to run.
        return False
    descriptor = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return False
    # The server replaces this process, and keeps the lock as long as the descriptor is open.
    os.set_inheritable(descriptor, True)
    return True
