"""A chat model that needs nothing: it quotes what it is shown, and says so."""

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

_PIECE: Final = re.compile(r"\S+\s*|\s+")


class OfflineChatModel(OwnModel, BaseChatModel):
    """Deterministic and extractive: it invents nothing, since it can only quote."""

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
        text = _stopped(reply_to(messages), stop)
        reply = AIMessage(
            text, usage_metadata=_usage(messages, text), response_metadata=self._about()
        )
        return ChatResult(generations=[ChatGeneration(message=reply)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return await asyncio.to_thread(self._generate, messages, stop)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        yield from self._pieces(messages, _stopped(reply_to(messages), stop))

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        text = await asyncio.to_thread(reply_to, messages)
        for piece in self._pieces(messages, _stopped(text, stop)):
            yield piece

    def _pieces(self, messages: Sequence[BaseMessage], text: str) -> Iterator[ChatGenerationChunk]:
        """Yield the reply word by word; the last word carries usage and the reason to stop."""
        pieces = _PIECE.findall(text) or [""]
        for piece in pieces[:-1]:
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
        last = AIMessageChunk(
            content=pieces[-1],
            usage_metadata=_usage(messages, text),
            response_metadata=self._about(),
            chunk_position="last",
        )
        yield ChatGenerationChunk(message=last)

    def _about(self) -> dict[str, str]:
        return {"finish_reason": "stop", "model_name": self.model_name}


def _usage(messages: Sequence[BaseMessage], reply: str) -> UsageMetadata:
    """Return an estimate, four characters a token: nobody bills for it."""
    given = max(1, sum(len(str(message.text)) for message in messages) // 4)
    made = max(1, len(reply) // 4)
    return UsageMetadata(input_tokens=given, output_tokens=made, total_tokens=given + made)


def _stopped(text: str, stop: list[str] | None) -> str:
    """Return the text up to the first of the stop sequences."""
    ends = [at for word in stop or () if word and (at := text.find(word)) >= 0]
    return text[: min(ends)] if ends else text
