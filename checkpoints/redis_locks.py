"""Threads held by keys of Redis that expire, and are renewed while the turn goes on."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from hashlib import sha256

from valkey.asyncio import Valkey
from valkey.asyncio.lock import Lock
from valkey.exceptions import LockError, ValkeyError

from threadkeep.base.errors import ThreadBusy, ThreadLost
from threadkeep.checkpoints.locks import POLL_SECONDS, WAIT_SECONDS

EXPIRES_SECONDS = 6.0
"""How long a thread stays held after its process died."""
log = logging.getLogger(__name__)


class RedisThreadLock:
    """A thread held by a key that is renewed three times in its life."""

    def __init__(self, lock: Lock, name: str, expires: float) -> None:
        self._lock = lock
        self._name = name
        self._expires = expires
        self._lost = False
        self.renewing = asyncio.create_task(self._renew())

    def check(self) -> None:
        """Tell whether the key was lost.

        Raises:
            ThreadLost: it was.
        """
        if self._lost:
            raise ThreadLost(self._name)

    async def _renew(self) -> None:
        loop = asyncio.get_running_loop()
        good_until = loop.time() + self._expires
        while True:
            await asyncio.sleep(self._expires / 3)
            try:
                await self._lock.reacquire()
                good_until = loop.time() + self._expires
            except LockError:
                self._lost = True
                return
            except ValkeyError:
                # The server may come back before the key is gone.
                log.warning("A lock could not be renewed", exc_info=True)
                self._lost = loop.time() >= good_until
                if self._lost:
                    return


class RedisLocks:
    """Keys that are set only where they are not, each with the token of who set it."""

    def __init__(self, client: Valkey, expires: float = EXPIRES_SECONDS) -> None:
        self._client = client
        self._expires = expires

    @asynccontextmanager
    async def acquire(
        self, thread: str, name: str, *, wait: float = WAIT_SECONDS
    ) -> AsyncIterator[RedisThreadLock]:
        """Hold the thread for one turn.

        Raises:
            ThreadBusy: somebody else held it for `wait` seconds.
        """
        lock = Lock(
            self._client,
            f"turn:{sha256(thread.encode()).hexdigest()[:32]}",
            timeout=self._expires,
            sleep=POLL_SECONDS,
            thread_local=False,
        )
        if not await lock.acquire(blocking=wait > 0, blocking_timeout=wait or None):
            raise ThreadBusy(name, wait)
        hold = RedisThreadLock(lock, name, self._expires)
        try:
            yield hold
        finally:
            hold.renewing.cancel()
            await asyncio.gather(hold.renewing, return_exceptions=True)
            with suppress(LockError):
                await lock.release()

    async def discard(self, thread: str) -> None:
        """Do nothing: the key goes with whoever held it."""
