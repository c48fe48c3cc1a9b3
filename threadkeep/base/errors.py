"""The errors a person may see: one sentence each, with the value and the remedy."""


class ThreadkeepError(Exception):
    """Something a person can mend; the terminal shows it as one sentence, without a traceback."""

    exit_code = 1


class BadInput(ThreadkeepError):
    """A value from outside is not allowed."""

    exit_code = 2


class TooLarge(BadInput):
    """A value from outside is larger than what is taken in."""


class NoModel(ThreadkeepError):
    """The chosen model cannot be used: no key, no such name."""

    exit_code = 3


class ProviderFailed(ThreadkeepError):
    """The model's server did not answer as it should."""

    exit_code = 4


class StorageFailed(ThreadkeepError):
    """The database or the vector folder cannot be read or written."""

    exit_code = 5


class ThreadBusy(ThreadkeepError):
    """Another process has a turn open on the thread."""

    def __init__(self, thread: str, waited: float) -> None:
        super().__init__(
            f"Thread {thread!r} is busy in another window (waited {waited:.0f} s). "
            "Finish or stop that turn, or name another thread with --thread."
        )


class ThreadLost(ThreadkeepError):
    """A turn no longer holds its thread, so that somebody else may be at it."""

    exit_code = 5

    def __init__(self, thread: str) -> None:
        super().__init__(
            f"The lock of thread {thread!r} was lost (a restarted server, a sleeping machine); "
            "the turn was stopped. Send the message again."
        )


class AccessRefused(ThreadkeepError):
    """Somebody asks for what is another user's, or asks as nobody."""


class RemoteServerFailed(ThreadkeepError):
    """A threadkeep server elsewhere refuses, or is not there."""

    def __init__(self, said: str, exit_code: int = 1) -> None:
        super().__init__(said)
        self.exit_code = exit_code


class NoUser(AccessRefused):
    """A call names no user."""


class ThreadDeleted(AccessRefused):
    """Something is written to a thread that was deleted meanwhile."""

    def __init__(self, thread: str) -> None:
        super().__init__(f"Thread {thread!r} was deleted meanwhile; what comes late is not kept.")


class Erased(AccessRefused):
    """Something is written to what was forgotten meanwhile, or is being forgotten."""

    def __init__(self, *, now: bool) -> None:
        super().__init__(
            "This memory is being forgotten right now; try again when that is done."
            if now
            else "This was forgotten meanwhile; what comes late is not kept."
        )
