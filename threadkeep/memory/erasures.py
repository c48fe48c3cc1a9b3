"""Erasure: plan, forget, and finish what was interrupted."""

from contextlib import suppress

from threadkeep.base.errors import BadInput
from threadkeep.erase import erase
from threadkeep.erase.intents import unfinished_erasures
from threadkeep.erase.plan import ErasurePlan, Target
from threadkeep.erase.receipt import Receipt
from threadkeep.erase.resume import retry_erasures
from threadkeep.memory.base import MemoryBase
from threadkeep.opened import Progress
from threadkeep.stores.quarantine import damaged_records


class ErasureOperations(MemoryBase):
    """Operations that erase."""

    async def plan_erasure(self, target: Target, *, user_id: str | None = None) -> ErasurePlan:
        """Return what would go with what is named, without changing anything.

        Raises:
            BadInput: there is no such thing of this user's, or more than one.
        """
        async with self._acting(user_id) as (user, _):
            return await erase.plan_erasure(self.opened, user, target)

    async def plan_forget(self, target: Target, *, user_id: str | None = None) -> list[str]:
        """Return what would go with what is named, in lines for a person.

        Raises:
            BadInput: there is no such thing of this user's, or more than one.
        """
        return (await self.plan_erasure(target, user_id=user_id)).lines()

    async def forget(
        self,
        target: Target,
        *,
        verify: bool = False,
        progress: Progress | None = None,
        user_id: str | None = None,
    ) -> Receipt:
        """Erase what is named, with all that rests on it; return the receipt.

        With `verify` every file is read for what was erased. Killed half-way, the next start
        finishes it.

        Raises:
            BadInput: there is no such thing of this user's, or more than one.
            ThreadBusy: a turn is open on one of the threads for too long.
        """
        async with self._acting(user_id) as (user, _):
            return await erase.erase(self.opened, user, target, verify=verify, progress=progress)

    async def damaged_records(self, *, user_id: str | None = None) -> list[str]:
        """Return a sentence about each record of the user that cannot be read."""
        async with self._acting(user_id) as (_, owner):
            records = await damaged_records(self.opened.store, owner)
            return [record.sentence for record in records]

    async def unfinished_erasures(self, *, user_id: str | None = None) -> list[str]:
        """Return a sentence about each erasure of the user that failed or was interrupted."""
        async with self._acting(user_id) as (_, owner):
            erasures = await unfinished_erasures(self.opened.store, owner)
            return [erasure.sentence for erasure in erasures]

    async def retry_erasures(
        self, *, progress: Progress | None = None, user_id: str | None = None
    ) -> tuple[list[Receipt], list[str]]:
        """Try the user's unfinished erasures again, those set aside after failures too.

        Return the receipts, and a sentence about each erasure that is still unfinished.
        """
        async with self._acting(user_id) as (_, owner):
            return await retry_erasures(self.opened, owner, progress)

    async def delete_thread(self, thread: str, *, user_id: str | None = None) -> None:
        """Erase a thread, and what was learned from it alone; one that is gone is no error.

        Raises:
            ThreadBusy: a turn is open on it for too long.
        """
        with suppress(BadInput):
            await self.forget(Target(kind="thread", name=thread), user_id=user_id)
