"""A chat model without key or network: it quotes its prompt, and says so."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Final

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    CallbackManagerForLLMRun,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from threadkeep.models.identity import OwnModel
from threadkeep.models.offline_answer import reply_to

_PIECE: Final = re.compile(r"\s*(?:\S+\s*){1,8}|\s+")


class OfflineChatModel(OwnModel, BaseChatModel):
    """Deterministic and extractive: it only quotes.

    Bind `quotes`, a list of `Quote`, to let it quote what was found elsewhere than in its prompt.
    """

    model_name: str = "offline"

    @property
    def _llm_type(self) -> str:
        return "offline"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        text = _cut_at_stop(reply_to(messages, kwargs.get("quotes")), stop)
        reply = AIMessage(
            text, usage_metadata=_usage(messages, text), response_metadata=self._metadata()
        )
        return ChatResult(generations=[ChatGeneration(message=reply)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return await asyncio.to_thread(self._generate, messages, stop, None, **kwargs)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        text = reply_to(messages, kwargs.get("quotes"))
        yield from self._pieces(messages, _cut_at_stop(text, stop))

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        text = await asyncio.to_thread(reply_to, messages, kwargs.get("quotes"))
        for piece in self._pieces(messages, _cut_at_stop(text, stop)):
            yield piece

    def _pieces(self, messages: Sequence[BaseMessage], text: str) -> Iterator[ChatGenerationChunk]:
        """Yield the reply in a few words each; usage and finish reason come with the last ones."""
        pieces = _PIECE.findall(text) or [""]
        for piece in pieces[:-1]:
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
        last = AIMessageChunk(
            content=pieces[-1],
            usage_metadata=_usage(messages, text),
            response_metadata=self._metadata(),
            chunk_position="last",
        )
        yield ChatGenerationChunk(message=last)

    def _metadata(self) -> dict[str, str]:
        return {"finish_reason": "stop", "model_name": self.model_name}


def _usage(messages: Sequence[BaseMessage], reply: str) -> UsageMetadata:
    """Return an estimate of four characters a token; nobody bills for it."""
    prompt_tokens = max(1, sum(len(str(message.text)) for message in messages) // 4)
    reply_tokens = max(1, len(reply) // 4)
    return UsageMetadata(
        input_tokens=prompt_tokens,
        output_tokens=reply_tokens,
        total_tokens=prompt_tokens + reply_tokens,
    )


def _cut_at_stop(text: str, stop: list[str] | None) -> str:
    """Return the text up to the first stop sequence."""
    ends = [end for sequence in stop or () if sequence and (end := text.find(sequence)) >= 0]
    return text[: min(ends)] if ends else text
