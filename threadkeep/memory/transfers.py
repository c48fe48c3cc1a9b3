"""Export, import, restore and report."""

import asyncio
from collections.abc import AsyncIterator
from typing import IO

from threadkeep.base.user import acting_as
from threadkeep.memory.base import MemoryBase
from threadkeep.stores.indexing import Progress as CountProgress
from threadkeep.transfer.export import export_user
from threadkeep.transfer.export_reader import ExportSummary, validate_export
from threadkeep.transfer.import_conversations import ImportResult, import_conversations
from threadkeep.transfer.import_files import import_upload, open_upload
from threadkeep.transfer.importers.transcript import Transcript
from threadkeep.transfer.report import report_html
from threadkeep.transfer.restore import RestoreResult, restore_export


class TransferOperations(MemoryBase):
    """Operations that take memory out and in."""

    def export(
        self, thread: str | None = None, *, user_id: str | None = None
    ) -> AsyncIterator[str]:
        """Return all that is kept of a user, or of one thread, as JSON lines that `restore` reads.

        Raises:
            BadInput: there is no such thread; raised by the first line.
        """
        user = self._user(user_id)
        with acting_as(user):
            lines = export_user(self.opened, user, thread=thread)
        return self._act_for(user, lines)

    def report(self, *, user_id: str | None = None) -> AsyncIterator[str]:
        """Return all that is known of a user as one HTML page, in pieces."""
        user = self._user(user_id)
        with acting_as(user):
            pieces = report_html(self.opened, user)
        return self._act_for(user, pieces)

    async def restore(
        self,
        file: IO[bytes],
        *,
        name: str = "the export",
        summary: ExportSummary | None = None,
        again: bool = False,
        progress: CountProgress | None = None,
        user_id: str | None = None,
    ) -> RestoreResult:
        """Take in an export, checked as a whole first; doing it again changes nothing.

        `file` must be seekable; `name` stands in error sentences. Without `user_id` it is taken in
        for the user whose export it is. What was forgotten before stays out, unless `again` is
        set. `summary` is what `validate_export` returned for the file.

        Raises:
            BadInput: the file is no whole export; nothing of it was stored.
            ThreadBusy: a turn is open on one of the threads for too long.
        """
        if summary is None:
            summary = await asyncio.to_thread(validate_export, file, name)
        async with self._acting(summary.user if user_id is None else user_id) as (user, _):
            result = await restore_export(
                self.opened, file, summary, user, again=again, progress=progress
            )
            await self.opened.store.index_pending(progress)
        return result

    async def import_file(
        self,
        file: IO[bytes],
        *,
        name: str = "the file",
        format: str | None = None,  # noqa: A002  (the command's name)
        thread: str | None = None,
        skip_bad: bool = False,
        again: bool = False,
        progress: CountProgress | None = None,
        user_id: str | None = None,
    ) -> ImportResult:
        """Take in a file of any format of `threadkeep import`, or a ZIP archive of them.

        All messages become the user's, whomever the file names. `format` is seen in the file
        unless it is named; `thread` names the thread of a list of messages; `skip_bad` leaves
        malformed lines out; what was forgotten before stays out, unless `again` is set.

        Raises:
            BadInput: nothing of it can be read, and nothing was stored; `name` stands for it.
            ThreadBusy: a turn is open on one of the threads for too long.
        """
        async with self._acting(user_id) as (user, _):
            upload = open_upload(file, name, user, format_=format, thread=thread, skip_bad=skip_bad)
            async with upload as content:
                return await import_upload(
                    content,
                    lambda t: self.import_conversations(t, again=again, progress=progress),
                    lambda f: self.restore(
                        f, name=name, again=again, progress=progress, user_id=user
                    ),
                )

    async def import_conversations(
        self,
        transcript: Transcript,
        *,
        again: bool = False,
        progress: CountProgress | None = None,
    ) -> ImportResult:
        """Take in conversations of another program; doing it again stores only what is new.

        What was forgotten before stays out, unless `again` is set.
        `transcript` is what `transfer.importers.reader.read_conversations` returned for a file;
        each of its messages names its user.
        """
        result = await import_conversations(self.opened, transcript, again=again, progress=progress)
        await self.opened.store.index_pending(progress)
        return result
