"""ChatOpenAI with deadlines, retries before the first token, and errors a person can read."""

from collections.abc import AsyncIterator, Mapping, Sequence
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
from threadkeep.models.error_text import origin
from threadkeep.models.faults import BrokenReply, ModelFault
from threadkeep.models.identity import OwnModel
from threadkeep.models.openai_attempts import Attempts, Patience, Stream, streamed, whole
from threadkeep.models.openai_errors import UNREADABLE, explain

CONNECT_SECONDS = 5.0


class ThreadkeepOpenAI(OwnModel, ChatOpenAI):
    """A ChatOpenAI to be used from async code; made by `threadkeep.models.openai.open_openai`."""

    _patience: Patience = PrivateAttr(default_factory=Patience)
    _key: SecretStr = PrivateAttr(default=SecretStr(""))

    @classmethod
    def opened(
        cls,
        name: str,
        api_key: SecretStr,
        base_url: str,
        *,
        on_this_machine: bool,
        patience: Patience,
        temperature: float | None,
    ) -> Self:
        """Return the model; every value that ChatOpenAI would read from the environment is set."""

        # As a coroutine the key is asked for at each request and stored in no field; it also
        # keeps ChatOpenAI from building a second, synchronous client.
        async def key() -> str:
            return api_key.get_secret_value()

        timeout = openai.Timeout(patience.total, connect=CONNECT_SECONDS)
        made = cls(
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
            # Here a new connection costs nothing, and none is left open when the loop ends.
            default_headers={"Connection": "close"} if on_this_machine else None,
            # No proxy has any business between two processes of one machine.
            http_async_client=openai.DefaultAsyncHttpxClient(
                timeout=timeout, trust_env=not on_this_machine
            ),
        )
        made._patience, made._key = patience, api_key
        return made

    async def aclose(self) -> None:
        """Close the connections that are kept for the next call."""
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

        # Half of a JSON document is no document.
        keep = "response_format" not in kwargs
        async for chunk in streamed(self._attempts(messages, stop, kwargs), open_stream, keep):
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

        return await whole(self._attempts(messages, stop, kwargs), call)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError("This model is async only: await model.ainvoke(...).")

    def get_num_tokens_from_messages(
        self, messages: Sequence[BaseMessage], tools: Sequence[Any] | None = None, **_: Any
    ) -> int:
        """Count with the ranks in this package; ChatOpenAI would download them."""
        return count_messages(messages) + count_tools(
            [convert_to_openai_tool(t) for t in tools or ()]
        )

    @property
    def _address(self) -> str:
        return self.openai_api_base or ""

    def _attempts(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: Mapping[str, Any]
    ) -> Attempts:
        def explained(error: Exception) -> ModelFault | None:
            if isinstance(error, UNREADABLE):
                # Where our own request cannot even be written, this raises the defect itself.
                self._get_request_payload(messages, stop=stop, **kwargs)
            return explain(error, self.model_name, self._address, self._key.get_secret_value())

        return Attempts(self._patience, explained)
