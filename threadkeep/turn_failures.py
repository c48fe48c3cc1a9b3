"""What a turn's failure means: whether it may pass, and what the journal keeps of it."""

from dataclasses import replace

from threadkeep.base.errors import StorageFailed, ThreadkeepError, ThreadLost
from threadkeep.base.storage_errors import is_driver_error, reason_of
from threadkeep.checkpoints.turn_journal import TurnRecord
from threadkeep.models.faults import ContextOverflow, ModelFault, RequestRefused, TooSlow

MAX_REASON = 300
"""Characters of a reason that are kept."""


def is_transient(error: BaseException) -> bool:
    """Return whether the same turn may succeed at another time."""
    if isinstance(error, ModelFault):
        return error.retryable or isinstance(error, TooSlow)
    return isinstance(error, StorageFailed | ThreadLost) or is_driver_error(error)


def failed_record(record: TurnRecord, error: BaseException) -> TurnRecord:
    """Return the record of a failed turn.

    A message is refused where the provider says so, or where the turn after it failed as well.
    """
    if isinstance(error, ThreadkeepError):
        reason = " ".join(str(error).split())
    elif isinstance(error, Exception) and is_driver_error(error):
        reason = f"The database cannot be used ({reason_of(error)})."
    else:
        reason = f"Something went wrong inside ({type(error).__name__})."
    refused = isinstance(error, RequestRefused | ContextOverflow) or bool(record.earlier)
    return replace(record, status="failed", reason=reason[:MAX_REASON], refused=refused)
