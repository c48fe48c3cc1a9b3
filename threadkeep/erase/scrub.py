"""Leave no byte of what was deleted in the SQLite files."""

from threadkeep.checkpoints.erasing import Scrubbable
from threadkeep.opened import Opened, Progress


async def scrub(opened: Opened, tell: Progress) -> bool:
    """Write the databases anew from what is left; tell whether their logs are empty too."""
    tell("writing the database anew", 0, 1)
    done = await opened.store.items.scrub()
    saver = opened.inner_saver
    if isinstance(saver, Scrubbable) and _apart(opened):
        done = await saver.ascrub() and done
    tell("writing the database anew", 1, 1)
    return done


async def empty_logs(opened: Opened) -> bool:
    """Empty the databases' logs; tell whether that went."""
    done = await opened.store.items.empty_log()
    saver = opened.inner_saver
    if isinstance(saver, Scrubbable) and _apart(opened):
        done = await saver.atruncate_log() and done
    return done


def _apart(opened: Opened) -> bool:
    """Tell whether checkpoints are in a file of their own."""
    return opened.settings.checkpoint_database != opened.settings.item_database
