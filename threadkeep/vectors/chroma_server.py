"""A Chroma server, with a collection for each owner; every call blocks.

`prefix` tells the collections of one store from those of others. The server's files keep deleted
vectors: nothing here can remove them.
"""

from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

ANSWER_SECONDS = 30.0
"""How long a server may take for one request."""


class ChromaServer:
    """The client of a server."""

    def __init__(self, url: str, prefix: str) -> None:
        self._url = url
        self._prefix = prefix
        self._client: Any = None

    is_outdated = False
    """A server has no folder of an earlier version."""

    def open(self) -> None:
        """Connect."""
        import chromadb
        from chromadb.config import Settings

        self.close()
        parts = urlsplit(self._url)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        settings = Settings(anonymized_telemetry=False)
        self._client = chromadb.HttpClient(parts.hostname or "", port, secure, None, settings)
        # Chroma's client has no parameter for it; tests/vectors/test_chroma_server.py.
        self._client._server._session.timeout = ANSWER_SECONDS

    def close(self) -> None:
        """Close the client, and its connections if no other client of this process uses them."""
        client, self._client = self._client, None
        if client is None:
            return
        session = client._server._session
        client.close()
        if client._identifier not in client._identifier_to_system:
            session.close()

    def client(self, name: str, *, create: bool) -> Any:
        """Return the client; collections are made when they are first used."""
        return self._client

    def erase(self, name: str) -> None:
        """Delete an owner's collection; one that is not there is no error."""
        from chromadb.errors import NotFoundError

        with suppress(NotFoundError):
            self._client.delete_collection(name)

    def clear(self) -> None:
        """Delete the collections of all owners of this store."""
        while names := [name for name in self._names() if name.startswith(self._prefix)]:
            for name in names:
                self._client.delete_collection(name)

    def _names(self) -> list[str]:
        return [collection.name for collection in self._client.list_collections()]
