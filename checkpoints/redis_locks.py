"""Thread locks on Redis: keys that expire, and are renewed during the turn."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from uuid import uuid4

from valkey.asyncio import Valkey
from valkey.asyncio.lock import Lock
from valkey.exceptions import LockError, ValkeyError

from threadkeep.base.cancellation import cancel_and_wait, uninterrupted
from threadkeep.base.errors import ThreadBusy, ThreadLost
from threadkeep.checkpoints.locks import POLL_SECONDS, WAIT_SECONDS

EXPIRES_SECONDS = 6.0
"""How long a lock outlives its process."""
log = logging.getLogger(__name__)


class RedisThreadLock:
    """A lock key, renewed three times within its time to live."""

    def __init__(self, lock: Lock, name: str, expires: float) -> None:
        self._lock = lock
        self._name = name
        self._expires = expires
        self._lost = False
        self._renewal = asyncio.create_task(self._renew())

    def check(self) -> None:
        """Verify that the key is still ours.

        Raises:
            ThreadLost: the key expired, or was deleted.
        """
        if self._lost:
            raise ThreadLost(self._name)

    async def stop(self) -> None:
        """Stop renewing the key."""
        await cancel_and_wait(self._renewal)

    async def _renew(self) -> None:
        loop = asyncio.get_running_loop()
        expires_at = loop.time() + self._expires
        while True:
            await asyncio.sleep(self._expires / 3)
            try:
                await self._lock.reacquire()
                expires_at = loop.time() + self._expires
            except LockError:
                self._lost = True
                return
            except ValkeyError:
                # The server may come back before the key expires.
                log.warning("A thread lock could not be renewed", exc_info=True)
                self._lost = loop.time() >= expires_at
                if self._lost:
                    return


class RedisLocks:
    """Keys that are set only if absent, with a token that identifies the holder."""

    def __init__(self, client: Valkey, expires: float = EXPIRES_SECONDS) -> None:
        self._client = client
        self._expires = expires

    @asynccontextmanager
    async def acquire(
        self, thread: str, name: str, *, wait: float = WAIT_SECONDS
    ) -> AsyncIterator[RedisThreadLock]:
        """Hold the lock of a thread.

        Raises:
            ThreadBusy: another turn held it for `wait` seconds.
        """
        key = Lock(
            self._client,
            f"turn:{sha256(thread.encode()).hexdigest()[:32]}",
            timeout=self._expires,
            sleep=POLL_SECONDS,
            thread_local=False,
        )
        token = uuid4().hex
        try:
            acquired = await key.acquire(
                blocking=wait > 0, blocking_timeout=wait or None, token=token
            )
        except asyncio.CancelledError:
            # The cancelled call may have set the key.
            key.local.token = token.encode()
            await uninterrupted(self._release(key))
            raise
        if not acquired:
            raise ThreadBusy(name, wait)
        lock = RedisThreadLock(key, name, self._expires)
        try:
            yield lock
        finally:
            await uninterrupted(self._release(key, lock))

    async def _release(self, key: Lock, lock: RedisThreadLock | None = None) -> None:
        if lock is not None:
            await lock.stop()
        with suppress(LockError):
            await key.release()

    async def discard(self, thread: str) -> None:
        """Do nothing: the key is deleted on release, or expires."""
