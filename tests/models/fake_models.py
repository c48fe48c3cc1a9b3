"""Chat models of a provider that this package does not know."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field, SecretStr

REPLY = "Noted, all of it."


class SyncModel(BaseChatModel):
    """Has nothing but `_generate`; remembers its prompts."""

    model: str = "fake-1"
    reply: str = REPLY
    api_key: SecretStr | None = None
    prompts: list[list[BaseMessage]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "fake"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self.result(messages)

    def result(self, messages: list[BaseMessage]) -> ChatResult:
        """Return the reply, and remember the prompt."""
        self.prompts.append(messages)
        return ChatResult(generations=[ChatGeneration(message=AIMessage(self.reply))])


class AsyncModel(SyncModel):
    """Has nothing but `_agenerate`."""

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError("async only")

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self.result(messages)


class SyncStreamModel(SyncModel):
    """Streams word by word from sync code."""

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        self.prompts.append(messages)
        for word in self.reply.split(" "):
            yield ChatGenerationChunk(message=AIMessageChunk(content=f"{word} "))


class StreamModel(SyncModel):
    """Streams word by word from async code."""

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        self.prompts.append(messages)
        for word in self.reply.split(" "):
            yield ChatGenerationChunk(message=AIMessageChunk(content=f"{word} "))


class FailingModel(SyncModel):
    """Raises `error` at its first `failures` calls."""

    error: Any
    failures: int = 1_000

    def result(self, messages: list[BaseMessage]) -> ChatResult:
        """Raise, or return the reply."""
        if len(self.prompts) < self.failures:
            self.prompts.append(messages)
            raise self.error
        return super().result(messages)
