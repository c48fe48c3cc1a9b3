"""Remove every byte of deleted rows from the SQLite files."""

from threadkeep.checkpoints.erasing import Scrubbable
from threadkeep.opened import Opened, Progress


async def scrub(opened: Opened, report: Progress) -> bool:
    """Rewrite the database files; return whether their write-ahead logs are empty."""
    report("rewriting the database", 0, 1)
    is_empty = await opened.store.items.scrub()
    if saver := _separate_saver(opened):
        is_empty = await saver.ascrub() and is_empty
    report("rewriting the database", 1, 1)
    return is_empty


async def empty_logs(opened: Opened) -> bool:
    """Empty the write-ahead logs; return whether that succeeded."""
    is_empty = await opened.store.items.empty_log()
    if saver := _separate_saver(opened):
        is_empty = await saver.atruncate_log() and is_empty
    return is_empty


def _separate_saver(opened: Opened) -> Scrubbable | None:
    """Return the saver if its checkpoints have their own file."""
    saver, settings = opened.inner_saver, opened.settings
    has_own_file = settings.checkpoint_database != settings.item_database
    return saver if has_own_file and isinstance(saver, Scrubbable) else None
