"""Deadlines and retries for a call or a stream; independent of HTTP."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from threadkeep.models.faults import CutShort, ModelFault, TooSlow
from threadkeep.models.finish import CUT_OFF, CUT_OFF_BECAUSE

Stream = AsyncGenerator[ChatGenerationChunk, None]
T = TypeVar("T")
Explain = Callable[[Exception], ModelFault | None]


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How long a call may take, in seconds, and how often it is retried."""

    total: float = 120.0
    """From the call to the last token, pauses between attempts included."""
    idle: float = 30.0
    """Between two chunks; the first may take as long as `total`."""
    retries: int = 2
    first_pause: float = 0.5
    """Before the second attempt, plus or minus a quarter; doubled before the third."""
    longest_wait: float = 20.0
    """If a server asks for a longer wait, the call fails at once."""


class RetriedCall:
    """One call: its deadline, and which of its errors are retried."""

    def __init__(self, policy: RetryPolicy, explain: Explain) -> None:
        self.policy = policy
        self.explain = explain
        self._deadline = asyncio.get_running_loop().time() + policy.total

    @property
    def remaining(self) -> float:
        """Seconds until the total deadline."""
        return self._deadline - asyncio.get_running_loop().time()

    async def complete(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return what `call` returns.

        Raises:
            ModelFault: the last attempt failed, or a retry would not help.
        """

        async def attempt() -> T:
            try:
                async with asyncio.timeout(self.remaining):
                    return await call()
            except Exception as error:
                fault = self.fault_of(error)
                if fault is None:
                    raise
            # Raised outside of `except`: a chained error could show a request's headers.
            raise fault

        return await self._retrying()(attempt)

    async def stream(self, open_stream: Callable[[], Stream], *, keep_partial: bool) -> Stream:
        """Yield the chunks of a stream; it is retried only before its first content.

        If a text breaks off later, it ends with a chunk whose finish reason is `CUT_OFF`.

        Raises:
            ModelFault: the stream failed before its first content, inside a tool call, or
                without `keep_partial`.
        """

        async def attempt() -> _Reading:
            reading = _Reading(self, open_stream())
            try:
                await reading.start()
            except BaseException:
                await reading.stream.aclose()
                raise
            return reading

        reading: _Reading = await self._retrying()(attempt)
        async with aclosing(reading.stream):
            for chunk in reading.first_chunks:
                yield chunk
            while (next_chunk := await reading.next()) is not None:
                yield next_chunk
        if reading.fault is None:
            return
        if not keep_partial or reading.has_tool_calls:
            raise reading.fault
        yield _cut_off(reading.fault)

    def fault_of(self, error: Exception, *, idle: bool = False) -> ModelFault | None:
        """Return the fault that an error is, or None if it is a defect of this package."""
        if not isinstance(error, TimeoutError):
            return self.explain(error)
        if idle:
            event = f"The model sent nothing for {self.policy.idle:g} s"
        else:
            event = f"The model did not finish its answer in {self.policy.total:g} s"
        return TooSlow(f"{event}; try again, or choose a faster model.")

    def _retrying(self) -> AsyncRetrying:
        return AsyncRetrying(
            retry=retry_if_exception(
                lambda error: isinstance(error, ModelFault) and error.retryable
            ),
            wait=self._pause_after,
            stop=self._is_last,
            reraise=True,
        )

    def _pause_after(self, state: RetryCallState) -> float:
        """Return the seconds until the next attempt: what the server asks for, else a back-off."""
        error = state.outcome and state.outcome.exception()
        if isinstance(error, ModelFault) and error.wait is not None:
            return error.wait
        doubled: float = self.policy.first_pause * 2 ** (state.attempt_number - 1)
        return doubled * random.uniform(0.75, 1.25)  # noqa: S311

    def _is_last(self, state: RetryCallState) -> bool:
        longest = min(self.policy.longest_wait, self.remaining)
        return state.attempt_number > self.policy.retries or state.upcoming_sleep > longest


class _Reading:
    """One opened stream: what was read of it, and the fault that ended it, if any."""

    def __init__(self, call: RetriedCall, stream: Stream) -> None:
        self.call, self.stream = call, stream
        self.first_chunks: list[ChatGenerationChunk] = []
        self.fault: ModelFault | None = None
        self.has_text = self.has_tool_calls = False
        self._is_started = self._is_finished = False

    async def start(self) -> None:
        """Read up to the first content, or the end.

        Raises:
            ModelFault: the stream broke before either.
        """
        while not (self.has_text or self.has_tool_calls or self._is_finished):
            chunk = await self.next()
            if chunk is None:
                break
            self.first_chunks.append(chunk)
        if self.fault:
            raise self.fault

    async def next(self) -> ChatGenerationChunk | None:
        """Return the next chunk; None at the end, with `fault` set if the reply is not complete."""
        idle = self._is_started and self.call.policy.idle < self.call.remaining
        try:
            async with asyncio.timeout(self.call.policy.idle if idle else self.call.remaining):
                chunk = await anext(self.stream)
        except StopAsyncIteration:
            self._end(None)
            return None
        except Exception as error:
            fault = self.call.fault_of(error, idle=idle)
            if fault is None:
                raise
            self._end(fault)
            return None
        self._observe(chunk)
        return chunk

    def _observe(self, chunk: ChatGenerationChunk) -> None:
        message, info = chunk.message, chunk.generation_info or {}
        self._is_started = True
        self.has_text |= bool(chunk.text)
        self.has_tool_calls |= isinstance(message, AIMessageChunk) and bool(
            message.tool_call_chunks
        )
        self._is_finished |= bool(info.get("finish_reason"))

    def _end(self, fault: ModelFault | None) -> None:
        if self._is_finished:
            return  # After the finish reason only the usage can be lost.
        has_content = self.has_text or self.has_tool_calls
        position = "before its end" if has_content else "before its first word"
        self.fault = fault or CutShort(f"The model's answer stopped {position}; try again.")


def _cut_off(fault: ModelFault) -> ChatGenerationChunk:
    info = {"finish_reason": CUT_OFF, CUT_OFF_BECAUSE: str(fault)}
    return ChatGenerationChunk(message=AIMessageChunk(content=""), generation_info=info)
