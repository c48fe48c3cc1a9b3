"""How a reply ended, in every provider's spelling, and the sentence that tells it.

An answer that is not whole carries `response_metadata["incomplete"]`: `kind`, one of `KINDS`, and
`sentence`. The stored message has the kind as `incomplete`.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from langchain_core.messages import AIMessage

Kind = Literal["length", "content_filter", "refusal", "tool_call", "cut_off"]
INCOMPLETE = "incomplete"
"""The key in `response_metadata` of an answer that is not whole."""
CUT_OFF = "cut_off"
"""The finish reason of a reply whose stream broke after some of it was shown."""
CUT_OFF_BECAUSE = "cut_off_because"
"""The key in `response_metadata` of the sentence about it."""

_FIELDS = ("finish_reason", "stop_reason", "stopReason", "done_reason", "finishReason")
_SPELLINGS: Mapping[Kind, str] = {
    "length": "length max_tokens max_output_tokens max_new_tokens max_length model_length "
    "max_completion_tokens token_limit error_limit model_context_window_exceeded",
    "content_filter": "content_filter content_filtered safety recitation blocklist "
    "prohibited_content spii image_safety language guardrail_intervened guardrails "
    "error_toxic sensitive content_policy",
    "refusal": "refusal refused",
    "tool_call": "tool_calls tool_call tool_use function_call malformed_function_call "
    "unexpected_tool_call malformed_tool_use",
    "cut_off": "cut_off error cancelled canceled abort aborted insufficient_system_resource "
    "pause_turn network_error timeout other_error user_cancel incomplete",
}
_KINDS: Mapping[str, Kind] = {
    word: kind for kind, words in _SPELLINGS.items() for word in words.split()
}
_SENTENCES: Mapping[Kind, str] = {
    "length": "The answer is not whole: it reached the length limit of the model; ask it to go on.",
    "content_filter": "The answer is not whole: the provider's content filter stopped it; "
    "ask in other words.",
    "refusal": "The model refused to answer; what it wrote is its refusal.",
    "tool_call": "The answer may not be whole: the model called a tool that it was not offered; "
    "the call was dropped.",
    "cut_off": "The answer is not whole: the provider broke it off; ask again.",
}
_EMPTY_BECAUSE: Mapping[Kind, str] = {
    "length": "it reached its length limit before the first word",
    "content_filter": "the provider's content filter stopped it before the first word",
    "refusal": "it refused without a word",
    "tool_call": "it called a tool that it was not offered",
    "cut_off": "the provider broke it off before the first word",
}


class Incomplete(TypedDict):
    """Why an answer is not whole."""

    kind: Kind
    sentence: str


def finish_kind(metadata: Mapping[str, Any]) -> Kind | None:
    """Return how a reply with this response metadata ended; None for an ordinary end."""
    details = metadata.get("incomplete_details")
    reasons = [metadata.get(field) for field in _FIELDS]
    reasons.append(details.get("reason") if isinstance(details, Mapping) else None)
    feedback = metadata.get("prompt_feedback")
    if isinstance(feedback, Mapping) and feedback.get("block_reason"):
        return "content_filter"
    for reason in reasons:
        # An enum says its class first: FinishReason.MAX_TOKENS.
        word = str(reason).rpartition(".")[2].strip().lower().replace("-", "_")
        if kind := _KINDS.get(word):
            return kind
    return None


def incomplete(kind: Kind, detail: str = "") -> Incomplete:
    """Return the mark of an answer that is not whole; `detail` is a sentence about the cause."""
    sentence = f"The answer is not whole: {detail}" if detail else _SENTENCES[kind]
    return {"kind": kind, "sentence": sentence}


def empty_sentence(kind: Kind | None, *, has_reasoning: bool) -> str:
    """Return the sentence about an answer without a word."""
    because = _EMPTY_BECAUSE[kind] if kind else ""
    if not because and has_reasoning:
        because = "there is only reasoning"
    reason = f" ({because})" if because else ""
    return (
        f"The model answered nothing, twice{reason}; ask in other words, or choose another model."
    )


def incomplete_of(message: object) -> Incomplete | None:
    """Return why an answer is not whole, or None if it is, or is no answer."""
    metadata = getattr(message, "response_metadata", None)
    mark = metadata.get(INCOMPLETE) if isinstance(metadata, Mapping) else None
    if not isinstance(mark, Mapping) or mark.get("kind") not in _SENTENCES:
        return None
    return incomplete(mark["kind"]) | {"sentence": str(mark.get("sentence") or "")}


def is_cut_off(reply: AIMessage) -> bool:
    """Return whether a reply ended at the token limit, or with its connection."""
    return finish_kind(reply.response_metadata) in ("length", "cut_off")
