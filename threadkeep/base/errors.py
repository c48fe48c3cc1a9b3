"""Errors that a person may see: one sentence each, with the value and the remedy."""


class ThreadkeepError(Exception):
    """An error the user can fix; the terminal shows one sentence instead of a traceback."""

    exit_code = 1


class BadInput(ThreadkeepError):
    """An input value is invalid."""

    exit_code = 2


class TooLarge(BadInput):
    """An input value exceeds a size limit."""


class NoSuchCheckpoint(BadInput):
    """The thread has no such checkpoint: it was pruned, or never was one of this thread."""

    def __init__(self, checkpoint_id: str) -> None:
        super().__init__(
            f"The thread has no checkpoint {checkpoint_id[:60]!r}; it was pruned, or is of another "
            "thread. Name one of the thread's history, or none for the newest."
        )


class NoModel(ThreadkeepError):
    """The model cannot be used: no API key, or an unknown name."""

    exit_code = 3


class ProviderFailed(ThreadkeepError):
    """The model provider failed."""

    exit_code = 4


class StorageFailed(ThreadkeepError):
    """The database or the vector folder cannot be read or written."""

    exit_code = 5


class UnreadableRecord(StorageFailed):
    """A stored record cannot be read, and nothing goes on without it."""


class ThreadBusy(ThreadkeepError):
    """Another turn holds the lock of the thread."""

    def __init__(self, thread: str, waited: float) -> None:
        super().__init__(
            f"Thread {thread!r} is busy in another window (waited {waited:.0f} s). "
            "Finish or stop that turn, or name another thread with --thread."
        )


class ThreadLost(ThreadkeepError):
    """A turn lost the lock of its thread, so another turn may be running."""

    exit_code = 5

    def __init__(self, thread: str) -> None:
        super().__init__(
            f"The lock of thread {thread!r} was lost (a restarted server, a sleeping machine); "
            "the turn was stopped. Send the message again."
        )


class AccessRefused(ThreadkeepError):
    """The caller may not use this data, or names no user."""


class RemoteServerFailed(ThreadkeepError):
    """A threadkeep server refused a request, failed, or cannot be reached."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class NoUser(AccessRefused):
    """The call names no user."""


class ThreadDeleted(AccessRefused):
    """A late write to a deleted thread."""

    def __init__(self, thread: str) -> None:
        super().__init__(f"Thread {thread!r} was deleted meanwhile; the late write was discarded.")


class Erased(AccessRefused):
    """A late write to memory that was erased, or is being erased."""

    def __init__(self, *, now: bool) -> None:
        super().__init__(
            "This memory is being forgotten right now; try again when that is done."
            if now
            else "This memory was forgotten meanwhile; the late write was discarded."
        )
