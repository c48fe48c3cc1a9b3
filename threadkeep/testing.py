"""Fakes for your own tests: a scripted chat model, and a scripted OpenAI-compatible server.

A model in this process, for the agent or for any LangChain code:

    model = ScriptedChatModel("Hello.", Reply(tool_calls=[("search", {"query": "Bergen"})]))
    model.script(TimeoutError("too slow"))
    reply = await model.ainvoke("Hi")         # "Hello."; later a tool call, later the error
    model.prompts[0]                          # the messages that the first call was given

A server on 127.0.0.1, for what only HTTP can show (broken streams, status codes, headers):

    async with scripted_server() as server:   # OPENAI_BASE_URL is server.base_url
        server.script("Hello.", Fault(status=429, headers={"Retry-After": "1"}))

With an empty script both repeat the text of the last message. The memory also asks the model for
summaries and for facts, after the answer. `ScriptedChatModel` answers these calls from its fields
`summary` and `extraction`, so that the script holds answers only; the server answers every request
from its script, and `purpose_of` tells them apart.
"""

import re
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCall
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import Field, PrivateAttr

from threadkeep.testing_server import Fault, Reply, ScriptedServer, Usage, scripted_server

__all__ = [
    "NO_FACTS",
    "Fault",
    "Reply",
    "ScriptedChatModel",
    "ScriptedServer",
    "Step",
    "Usage",
    "purpose_of",
    "scripted_server",
]

Purpose = Literal["answer", "summary", "extraction"]
Step = str | Reply | Exception
"""An answer, or an error to raise."""
NO_FACTS = '{"entities": [], "facts": []}'
"""A reply to a request for facts: there are none."""


def purpose_of(prompt: str) -> Purpose:
    """Return what the memory asks for with a prompt whose last message has this text."""
    if "<new_messages>" in prompt:
        return "summary"
    return "extraction" if prompt.startswith("Note what the message says") else "answer"


class ScriptedChatModel(BaseChatModel):
    """A chat model that answers from a script, word by word, and records its prompts."""

    model_name: str = "scripted"
    summary: str = "They talked."
    """The reply to every request for a summary."""
    extraction: str = NO_FACTS
    """The reply to every request for facts: JSON."""
    prompts: list[list[BaseMessage]] = Field(default_factory=list, exclude=True)
    """The messages of each call for an answer, oldest first."""
    private_prompts: list[str] = Field(default_factory=list, exclude=True)
    """The text of each request for a summary or for facts, oldest first."""
    tools: list[Any] = Field(default_factory=list, exclude=True)
    """What `bind_tools` was last called with."""
    _script: deque[Step] = PrivateAttr(default_factory=deque)

    def __init__(self, *steps: Step, **fields: Any) -> None:
        super().__init__(**fields)
        self.script(*steps)

    def script(self, *steps: Step) -> None:
        """Queue the next answers; an exception is raised in its turn."""
        self._script.extend(steps)

    def bind_tools(
        self, tools: Sequence[Any], **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Record the tools; which of them are called is up to the script."""
        self.tools = list(tools)
        return self.bind(**kwargs)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        reply = self._next(messages)
        message = AIMessage(
            reply.text,
            tool_calls=_tool_calls(reply),
            usage_metadata=_usage(reply),
            response_metadata=self._metadata(reply),
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        reply = self._next(messages)
        for word in re.findall(r"\S+\s*|\s+", reply.text):
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))
        message = AIMessage("", tool_calls=_tool_calls(reply), usage_metadata=_usage(reply))
        last = AIMessageChunk(
            **message.model_dump(exclude={"type", "response_metadata"}),
            response_metadata=self._metadata(reply),
            chunk_position="last",
        )
        yield ChatGenerationChunk(message=last)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._generate(messages)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._stream(messages):
            yield chunk

    def _next(self, messages: list[BaseMessage]) -> Reply:
        """Record the prompt; return the next reply of the script or raise its next error."""
        text = messages[-1].text
        purpose = purpose_of(text)
        if purpose != "answer":
            self.private_prompts.append(text)
            return Reply(self.summary if purpose == "summary" else self.extraction)
        self.prompts.append(list(messages))
        step = self._script.popleft() if self._script else text
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, Reply) else Reply(step)

    def _metadata(self, reply: Reply) -> dict[str, str]:
        reason = "tool_calls" if reply.tool_calls else reply.finish_reason
        return {"finish_reason": reason, "model_name": self.model_name}


def _tool_calls(reply: Reply) -> list[ToolCall]:
    return [
        ToolCall(name=name, args=dict(arguments), id=f"call_{index}", type="tool_call")
        for index, (name, arguments) in enumerate(reply.tool_calls)
    ]


def _usage(reply: Reply) -> UsageMetadata | None:
    if reply.usage is None:
        return None
    usage = reply.usage
    return UsageMetadata(
        input_tokens=usage.prompt,
        output_tokens=usage.completion,
        total_tokens=usage.prompt + usage.completion,
        input_token_details=InputTokenDetails(cache_read=usage.cached),
    )
