"""Ask any chat model for an answer: what streams are words alone, and an empty one is retried."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphBubbleUp
from pydantic import PrivateAttr

from threadkeep.base.errors import ThreadkeepError
from threadkeep.models.calls import Bound, call
from threadkeep.models.faults import EmptyAnswer
from threadkeep.models.finish import CUT_OFF, CUT_OFF_BECAUSE, INCOMPLETE, empty_sentence
from threadkeep.models.identity import OwnModel, endpoint_of
from threadkeep.models.provider_errors import explain_any
from threadkeep.models.reasoning import Piece, joined
from threadkeep.models.reply_reader import MAX_REASONING, REASONING, ReplyReader

ATTEMPTS = 2
# The callbacks of the run belong to the outer model: each word is streamed once.
_QUIET: RunnableConfig = {"callbacks": [], "tags": ["nostream"]}
_closes_only: set[str] = set()
"""Endpoints of models that close a block of reasoning which their prompt opens."""


async def call_for_answer(
    model: BaseChatModel, prompt: Sequence[BaseMessage], *, bound: Bound | None = None
) -> AIMessage:
    """Return the answer: plain text, with its reasoning and `incomplete` beside it.

    An empty answer is asked for once more. `bound`, if given, is called in place of `model`.

    Raises:
        ModelFault: the call failed, or the model answered nothing.
    """
    answering = AnsweringModel(inner=model, bound=bound)
    reply = await call(model, prompt, bound=answering, is_answer=True)
    return answering.complete(reply)


class AnsweringModel(OwnModel, BaseChatModel):
    """One call of another model, as LangGraph streams it: answer and reasoning kept apart."""

    inner: BaseChatModel
    bound: Any = None
    """The inner model with options bound to it."""
    _reader: ReplyReader = PrivateAttr(default_factory=ReplyReader)
    _reasoning: str = PrivateAttr(default="")

    def complete(self, reply: AIMessage) -> AIMessage:
        """Return the reply of this call with exactly its answer as text."""
        fields = {REASONING: self._reasoning[:MAX_REASONING]} if self._reasoning else {}
        return reply.model_copy(
            update={"content": self._reader.answer, "additional_kwargs": fields}
        )

    @property
    def _llm_type(self) -> str:
        return self.inner._llm_type

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return self.inner._get_ls_params(stop=stop, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError("This model is async only: await model.ainvoke(...).")

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        usage = None
        for _ in range(ATTEMPTS):
            reader = self._begin()
            reader.usage = usage
            reader.feed(
                await (self.bound or self.inner).ainvoke(messages, _QUIET, stop=stop, **kwargs)
            )
            self._end()
            usage = reader.usage
            if not reader.is_empty:
                break
        message = AIMessage(reader.answer, response_metadata=self._metadata(), usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for _ in range(ATTEMPTS):
            reader = self._begin()
            try:
                async for chunk in (self.bound or self.inner).astream(
                    messages, _QUIET, stop=stop, **kwargs
                ):
                    if pieces := reader.feed(chunk):
                        yield _chunk(pieces)
            except (ThreadkeepError, GraphBubbleUp):
                raise
            except Exception as error:
                if reader.is_empty or isinstance(self.inner, OwnModel):
                    raise
                fault = explain_any(error, self.inner)
                reader.metadata |= {"finish_reason": CUT_OFF, CUT_OFF_BECAUSE: str(fault)}
            if pieces := self._end():
                yield _chunk(pieces)
            if reader.usage:
                yield ChatGenerationChunk(
                    message=AIMessageChunk(content="", usage_metadata=reader.usage)
                )
            if not reader.is_empty:
                break
        last = AIMessageChunk(content="", response_metadata=self._metadata(), chunk_position="last")
        yield ChatGenerationChunk(message=last)

    def _begin(self) -> ReplyReader:
        self._reader = ReplyReader(hold=endpoint_of(self.inner) in _closes_only)
        return self._reader

    def _end(self) -> list[Piece]:
        pieces = self._reader.close()
        if self._reader.splitter.closes_only:
            _closes_only.add(endpoint_of(self.inner))
        self._reasoning = self._reader.reasoning or self._reasoning
        return pieces

    def _metadata(self) -> dict[str, Any]:
        """Return the response metadata of the answer.

        Raises:
            EmptyAnswer: there is none.
        """
        reader = self._reader
        if reader.is_empty:
            raise EmptyAnswer(empty_sentence(reader.kind, has_reasoning=bool(self._reasoning)))
        mark = reader.mark
        return {**reader.metadata, **({INCOMPLETE: mark} if mark else {})}


def _chunk(pieces: list[Piece]) -> ChatGenerationChunk:
    reasoning = joined(pieces, "reasoning")
    message = AIMessageChunk(
        content=joined(pieces, "answer"),
        additional_kwargs={REASONING: reasoning} if reasoning else {},
    )
    return ChatGenerationChunk(message=message)
