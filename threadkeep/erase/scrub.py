"""Leave no byte of what was deleted in the SQLite files."""

from threadkeep.checkpoints.erasing import Scrubbing
from threadkeep.opened import Home, Progress


async def scrub(home: Home, tell: Progress) -> bool:
    """Write the databases anew from what is left; tell whether their logs are empty too."""
    tell("writing the database anew", 0, 1)
    done = await home.store.items.scrub()
    saver = home.saver.saver
    if isinstance(saver, Scrubbing) and _apart(home):
        done = await saver.ascrub() and done
    tell("writing the database anew", 1, 1)
    return done


async def empty_logs(home: Home) -> bool:
    """Empty the databases' logs; tell whether that went."""
    done = await home.store.items.empty_log()
    saver = home.saver.saver
    if isinstance(saver, Scrubbing) and _apart(home):
        done = await saver.aempty_log() and done
    return done


def _apart(home: Home) -> bool:
    """Tell whether checkpoints are in a file of their own."""
    return home.settings.checkpoint_database != home.settings.item_database
