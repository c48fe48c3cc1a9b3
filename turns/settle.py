"""What a process does once everything is loaded."""

import gc

_settled = False


def settle() -> None:
    """Take everything that is loaded by now out of the garbage collector's sight.

    Libraries and tables are some 150,000 objects that never go: a full collection that visits
    them stops the process for 0.1 to 0.2 s, now and then in the middle of an answer.
    """
    # Remembered here: to ask the collector whether it has, it counts them all, for 0.03 s a turn.
    global _settled
    if not _settled:
        gc.freeze()
        _settled = True
