"""ChatOpenAI with deadlines, retries before the first token, and errors a person can read."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Self

import openai
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_openai import ChatOpenAI
from pydantic import PrivateAttr, SecretStr

from threadkeep.base.token_encoding import encode
from threadkeep.base.tokens import count_messages, count_tools
from threadkeep.models.adapting_client import AdaptingClient
from threadkeep.models.error_text import origin
from threadkeep.models.faults import BrokenReply, ModelFault
from threadkeep.models.identity import OwnModel
from threadkeep.models.openai_errors import UNREADABLE, explain
from threadkeep.models.plain_chunks import PlainChunks
from threadkeep.models.reply_reader import REASONING_FIELDS
from threadkeep.models.retries import RetriedCall, RetryPolicy, Stream
from threadkeep.models.server_quirks import ServerQuirks
from threadkeep.models.sync_calls import run_sync, stream_sync

CONNECT_SECONDS = 5.0
_EXTRA_FIELDS = frozenset({"refusal", *REASONING_FIELDS})


class ThreadkeepOpenAI(OwnModel, ChatOpenAI):
    """A ChatOpenAI of `threadkeep.models.openai.open_openai`; async, sync calls use a thread."""

    _retry_policy: RetryPolicy = PrivateAttr(default_factory=RetryPolicy)
    _key: SecretStr = PrivateAttr(default=SecretStr(""))
    _open_client: Callable[[], AdaptingClient] = PrivateAttr()

    @classmethod
    def open(
        cls,
        name: str,
        api_key: SecretStr,
        base_url: str,
        *,
        loopback: bool,
        retry_policy: RetryPolicy,
        temperature: float | None,
        quirks: ServerQuirks | None = None,
    ) -> Self:
        """Return the model; nothing is read from the environment."""

        # A coroutine keeps the key out of every field, and ChatOpenAI from building a second,
        # synchronous client.
        async def key() -> str:
            return api_key.get_secret_value()

        timeout = openai.Timeout(retry_policy.total, connect=CONNECT_SECONDS)
        # Two processes of one machine need no proxy.
        open_client = partial(
            AdaptingClient, quirks or ServerQuirks(), timeout=timeout, trust_env=not loopback
        )
        model = cls(
            model=name,
            api_key=key,
            base_url=base_url,
            temperature=temperature,
            timeout=timeout,
            max_retries=0,
            stream_usage=True,
            stream_chunk_timeout=None,
            use_responses_api=False,
            openai_proxy=None,
            http_socket_options=(),
            custom_get_token_ids=encode,
            # On one machine a new connection is cheap, and none stays open when the loop ends.
            default_headers={"Connection": "close"} if loopback else None,
            http_async_client=open_client(),
        )
        model.async_client = PlainChunks(model.async_client)
        model._retry_policy, model._key = retry_policy, api_key
        model._open_client = open_client
        return model

    async def aclose(self) -> None:
        """Close the connections that are open for the next call."""
        await self.root_async_client.close()

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        def open_stream() -> Stream:
            return ChatOpenAI._astream(self, messages, stop, run_manager, **kwargs)  # type: ignore[return-value]

        call = self._retried_call(messages, stop, kwargs)
        # A part of a JSON document is of no use.
        keep_partial = "response_format" not in kwargs
        async for chunk in call.stream(open_stream, keep_partial=keep_partial):
            yield chunk

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        async def call() -> ChatResult:
            result = await ChatOpenAI._agenerate(self, messages, stop, run_manager, **kwargs)
            if not result.generations:
                raise BrokenReply(
                    f"{origin(self._address)} answered without any choice; try again."
                )
            return result

        return await self._retried_call(messages, stop, kwargs).complete(call)

    def _convert_chunk_to_generation_chunk(
        self,
        chunk: dict[str, Any],
        default_chunk_class: type,
        base_generation_info: dict[str, Any] | None,
    ) -> ChatGenerationChunk | None:
        """Keep the fields of a chunk that ChatOpenAI drops: reasoning and refusal."""
        converted = super()._convert_chunk_to_generation_chunk(
            chunk, default_chunk_class, base_generation_info
        )
        choices = chunk.get("choices") or ()
        if converted and choices:
            converted.message.additional_kwargs |= _extra_fields(choices[0].get("delta"))
        return converted

    def _create_chat_result(
        self,
        response: dict[str, Any] | openai.BaseModel,
        generation_info: dict[str, Any] | None = None,
    ) -> ChatResult:
        result = super()._create_chat_result(response, generation_info)
        body = response if isinstance(response, dict) else response.model_dump(warnings=False)
        for generation, choice in zip(result.generations, body.get("choices") or (), strict=False):
            generation.message.additional_kwargs |= _extra_fields(choice.get("message"))
        return result

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        async def work() -> ChatResult:
            async with self._for_own_loop() as model:
                return await model._agenerate(messages, stop, **kwargs)

        return run_sync(work)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        async def work() -> AsyncIterator[ChatGenerationChunk]:
            async with self._for_own_loop() as model:
                async for chunk in model._astream(messages, stop, **kwargs):
                    yield chunk

        return stream_sync(work)

    @asynccontextmanager
    async def _for_own_loop(self) -> AsyncIterator[Self]:
        """Open this model for another event loop: connections belong to the loop that made them."""
        client = self.root_async_client.copy(http_client=self._open_client())
        completions = PlainChunks(client.chat.completions)
        async with client:
            yield self.model_copy(update={"root_async_client": client, "async_client": completions})

    def get_num_tokens_from_messages(
        self, messages: Sequence[BaseMessage], tools: Sequence[Any] | None = None, **_: Any
    ) -> int:
        """Count with the ranks of this package; ChatOpenAI would download them."""
        return count_messages(messages) + count_tools(
            [convert_to_openai_tool(t) for t in tools or ()]
        )

    @property
    def _address(self) -> str:
        return self.openai_api_base or ""

    def _retried_call(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: Mapping[str, Any]
    ) -> RetriedCall:
        def explain_error(error: Exception) -> ModelFault | None:
            if isinstance(error, UNREADABLE):
                # A request that cannot be written at all raises the defect itself here.
                self._get_request_payload(messages, stop=stop, **kwargs)
            return explain(error, self.model_name, self._address, self._key.get_secret_value())

        return RetriedCall(self._retry_policy, explain_error)


def _extra_fields(message: Any) -> dict[str, Any]:
    fields = message.items() if isinstance(message, Mapping) else ()
    return {name: value for name, value in fields if value and name in _EXTRA_FIELDS}
