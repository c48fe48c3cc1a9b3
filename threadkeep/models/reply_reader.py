"""Read a reply of any provider, whole or in chunks: answer, reasoning, refusal, calls, its end."""

from collections.abc import Iterator, Mapping
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata, add_usage

from threadkeep.base.validation import join_surrogates
from threadkeep.models.finish import CUT_OFF_BECAUSE, Incomplete, Kind, finish_kind, incomplete
from threadkeep.models.reasoning import (
    Piece,
    ReasoningSplitter,
    SurrogateJoiner,
)

REASONING = "reasoning_content"
"""The key in `additional_kwargs` of a message for the reasoning before its answer."""
REASONING_FIELDS = (REASONING, "reasoning", "reasoning_text", "thinking")
MAX_REASONING = 8_000
"""Characters of reasoning that a message keeps."""
_REASONING_BLOCKS = frozenset(
    {"thinking", "reasoning", "reasoning_content", "redacted_thinking", "thought"}
)
_CALL_BLOCKS = frozenset({"tool_use", "tool_call", "tool_call_chunk", "function_call"})
_CALL_FIELDS = ("tool_call_chunks", "tool_calls", "invalid_tool_calls")
_TEXT_KEYS = ("text", "thinking", "reasoning", "reasoning_content", "summary", "content")


class ReplyReader:
    """What one reply says so far; `hold` is for a model that only closes its reasoning."""

    def __init__(self, *, hold: bool = False) -> None:
        self.splitter = ReasoningSplitter(hold=hold)
        self.metadata: dict[str, Any] = {}
        self.usage: UsageMetadata | None = None
        self.has_calls = self.has_refusal = False
        self._answer_halves, self._reasoning_halves = SurrogateJoiner(), SurrogateJoiner()
        self._fields_reasoning = ""

    @property
    def answer(self) -> str:
        """The text of the answer, or of the refusal."""
        answer = self.splitter.answer
        return answer.lstrip() if self._fields_reasoning else answer

    @property
    def reasoning(self) -> str:
        """The reasoning before the answer."""
        texts = (self._fields_reasoning.strip(), self.splitter.reasoning)
        return "\n".join(text for text in texts if text)

    @property
    def is_empty(self) -> bool:
        """Whether there is no word of an answer."""
        return not self.answer.strip()

    @property
    def kind(self) -> Kind | None:
        """How the reply ended; None for an ordinary end."""
        if self.has_refusal:
            return "refusal"
        kind = finish_kind(self.metadata)
        return kind or ("tool_call" if self.has_calls else None)

    @property
    def mark(self) -> Incomplete | None:
        """Why the answer is not whole, or None."""
        kind = self.kind
        detail = str(self.metadata.get(CUT_OFF_BECAUSE) or "") if kind == "cut_off" else ""
        return incomplete(kind, detail) if kind else None

    def feed(self, message: BaseMessage) -> list[Piece]:
        """Take a chunk, or a whole message; return what can be shown by now."""
        self.metadata |= {
            key: value for key, value in message.response_metadata.items() if value is not None
        }
        if isinstance(message, AIMessage):
            self.usage = (
                add_usage(self.usage, message.usage_metadata)
                if message.usage_metadata
                else self.usage
            )
            self.has_calls |= any(getattr(message, field, None) for field in _CALL_FIELDS)
        pieces = list(self._fields(message.additional_kwargs))
        blocks = message.content if isinstance(message.content, list) else [message.content]
        for block in blocks:
            pieces += self._block(block)
        refusal = message.additional_kwargs.get("refusal")
        if isinstance(refusal, str):
            pieces += self._refuse(refusal)
        return [piece for piece in pieces if piece[1]]

    def close(self) -> list[Piece]:
        """Take the end of the reply; return what was held."""
        reasoning = self._reasoning_halves.close()
        self._fields_reasoning += reasoning
        pieces = self.splitter.feed(self._answer_halves.close()) + self.splitter.close()
        return [piece for piece in [("reasoning", reasoning), *pieces] if piece[1]]

    def _fields(self, fields: Mapping[str, Any]) -> Iterator[Piece]:
        for field in REASONING_FIELDS:
            if text := _text_of(fields.get(field)):
                yield self._reason(text)
                return  # Some servers send the same text in two fields.

    def _block(self, block: Any) -> list[Piece]:
        if isinstance(block, str):
            return self._answer(block)
        if not isinstance(block, Mapping):
            return []
        kind = block.get("type")
        if kind in _REASONING_BLOCKS or block.get("thought") is True:
            return [self._reason(_text_of(block))]
        if kind == "refusal":
            return self._refuse(_text_of(block.get("refusal")) or _text_of(block))
        self.has_calls |= kind in _CALL_BLOCKS
        text = block.get("text")
        return self._answer(text) if isinstance(text, str) else []

    def _answer(self, text: str) -> list[Piece]:
        return self.splitter.feed(self._answer_halves.feed(text))

    def _reason(self, text: str) -> Piece:
        text = self._reasoning_halves.feed(text)
        self._fields_reasoning += text
        return "reasoning", text

    def _refuse(self, text: str) -> list[Piece]:
        if not text:
            return []
        begins = not self.has_refusal and bool(self.splitter.answer.strip())
        self.has_refusal = True
        return self._answer("\n" * begins + text)


def clean_reply(reply: AIMessage) -> AIMessage:
    """Return a reply that is not an answer, without its reasoning, and without half characters."""
    text = str(reply.text)
    change: dict[str, Any] = {"additional_kwargs": without_reasoning(reply.additional_kwargs)}
    if reply.tool_calls:
        change["tool_calls"] = _joined(reply.tool_calls)
    if not text.lstrip().startswith(("{", "[{", '["')):
        reader = ReplyReader()
        reader.feed(reply)
        reader.close()
        text = reader.answer
    return reply.model_copy(update=change | {"content": join_surrogates(text)})


def without_reasoning(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the additional fields of a message without its reasoning."""
    return {key: value for key, value in fields.items() if key not in REASONING_FIELDS}


def _joined(value: Any) -> Any:
    if isinstance(value, str):
        return join_surrogates(value)
    if isinstance(value, Mapping):
        return {_joined(key): _joined(item) for key, item in value.items()}
    return [_joined(item) for item in value] if isinstance(value, list) else value


def _text_of(value: Any) -> str:
    """Return the text of a reasoning field or block, however deep it lies."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "".join(_text_of(value.get(key)) for key in _TEXT_KEYS)
    return "".join(map(_text_of, value)) if isinstance(value, list) else ""
