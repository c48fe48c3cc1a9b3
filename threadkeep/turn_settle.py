"""What a process does once everything is loaded."""

import gc

_settled: set[bool] = set()


def settle(*, again: bool) -> None:
    """Take everything that is loaded by now out of the garbage collector's sight.

    Once, and once more with `again`: after more has been loaded.

    Libraries and tables are some 150,000 objects that never go: a full collection that visits
    them stops the process for 0.1 to 0.2 s, now and then in the middle of an answer.
    """
    # Remembered here: to ask the collector whether it has, it counts them all, for 0.03 s a turn.
    if again not in _settled:
        gc.freeze()
        _settled.add(again)
