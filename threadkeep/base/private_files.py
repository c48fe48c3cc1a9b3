"""Files that only their owner can read, whatever the umask and the mode of the folder."""

import os
from contextlib import suppress
from pathlib import Path

FILE_MODE, FOLDER_MODE = 0o600, 0o700
OTHERS = 0o007


def create_private_file(path: Path) -> None:
    """Create an empty file; one that exists only loses the rights of others.

    Raises:
        OSError: it cannot be created.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, FILE_MODE)
    except FileExistsError:
        remove_rights(path, OTHERS)
        return
    # At once: closing a file drops the locks that this process takes on it meanwhile.
    os.close(descriptor)
    path.chmod(FILE_MODE)


def create_private_folder(path: Path) -> None:
    """Create a folder and those above it; one that exists loses the rights of group and others.

    Raises:
        OSError: it cannot be created.
    """
    path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    remove_rights(path, 0o077)


def write_private_file(path: Path, text: str) -> None:
    """Write a whole file at once: a reader sees the old text or the new one.

    Raises:
        OSError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.unlink(missing_ok=True)
        create_private_file(part)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def remove_rights(path: Path, mask: int) -> None:
    """Remove rights of a file or folder, where it is there and this user's."""
    with suppress(OSError):
        mode = path.stat().st_mode & 0o7777
        if mode & mask:
            path.chmod(mode & ~mask)
