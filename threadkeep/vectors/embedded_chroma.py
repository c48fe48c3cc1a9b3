"""Embedded Chroma, in a folder for each owner; every call blocks.

Embedded Chroma keeps deleted vectors in its files. Here they are derived data: an owner's folder
is deleted as a whole, and its vectors are made again from the items.
"""

import shutil
from collections import OrderedDict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from threadkeep.base.private_files import create_private_folder

DATABASE = "chroma.sqlite3"
MAX_CLIENTS = 8
"""Clients open at once; each takes about 5 MB, 11 files and 6 threads, and 25 ms to open."""


class EmbeddedChroma:
    """The clients of the owners' folders; those that were used last are open."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clients: OrderedDict[str, Any] = OrderedDict()

    def open(self) -> None:
        """Make the folder, and load Chroma."""
        import chromadb  # noqa: F401  (takes a second, which no search should wait for)

        create_private_folder(self._folder)

    def close(self) -> None:
        """Close all clients."""
        while self._clients:
            self._clients.popitem()[1].close()

    @property
    def is_outdated(self) -> bool:
        """Whether the folder is one for all owners, as an earlier version made it."""
        return (self._folder / DATABASE).exists()

    def client(self, name: str, *, create: bool) -> Any:
        """Return the client of an owner's folder; None if there is no folder, unless `create`."""
        if name in self._clients:
            self._clients.move_to_end(name)
            return self._clients[name]
        path = self._folder / name
        if not create and not path.exists():
            return None
        client = _open_client(path)
        self._clients[name] = client
        if len(self._clients) > MAX_CLIENTS:
            self._clients.popitem(last=False)[1].close()
        return client

    def erase(self, name: str) -> None:
        """Delete an owner's folder."""
        if client := self._clients.pop(name, None):
            client.close()
        if (path := self._folder / name).exists():
            shutil.rmtree(path)

    def clear(self) -> None:
        """Delete every folder."""
        self.close()
        for path in self._folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _open_client(path: Path) -> Any:
    import chromadb
    from chromadb.api.shared_system_client import SharedSystemClient
    from chromadb.config import Settings

    create_private_folder(path)
    try:
        return chromadb.PersistentClient(str(path), Settings(anonymized_telemetry=False))
    except Exception:
        # Chroma keeps the half-started system of a broken folder, and would hand it out again.
        SharedSystemClient._identifier_to_system.pop(str(path), None)
        raise


def new_folder_contents() -> list[bytes]:
    """Return the contents of the files of a new folder: what Chroma itself brings along."""
    with TemporaryDirectory() as folder:
        chroma = EmbeddedChroma(Path(folder))
        client = chroma.client("new", create=True)
        client.get_or_create_collection("new", embedding_function=None)
        chroma.close()
        return [path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()]
