"""Everything that can fail in a call to a model, whatever its provider."""

from threadkeep.base.errors import NoModel, ProviderFailed


class ModelFault(ProviderFailed):
    """A call to a model failed; one sentence, without a key in it."""

    retryable = False
    """Whether the same call may succeed in a moment."""
    wait: float | None = None
    """Seconds that the server asks to wait before the next attempt."""


class KeyRefused(NoModel, ModelFault):
    """401 or 403."""


class UnknownModel(NoModel, ModelFault):
    """404."""


class ContextOverflow(ModelFault):
    """The prompt is longer than the model's context window."""

    limit: int | None = None
    """The size of that window in tokens, if the error names it."""


class QuotaUsedUp(ModelFault):
    """The account has no credit."""


class RateLimited(ModelFault):
    """429."""

    retryable = True


class ProviderServerFailed(ModelFault):
    """5xx, or an error in the middle of a stream."""

    retryable = True


class Unreachable(ModelFault):
    """The connection was refused or broke."""

    retryable = True


class TooSlow(ModelFault):
    """A deadline passed."""


class BrokenReply(ModelFault):
    """The reply breaks the protocol."""


class CutShort(BrokenReply):
    """The reply ended without a finish reason."""

    retryable = True


class EmptyAnswer(BrokenReply):
    """The answer has no word, also when it was asked for once more."""


class RequestRefused(ModelFault):
    """Any other 4xx."""


class CallFailed(ModelFault):
    """Any other exception of a provider's package."""
