"""Any chat model of LangChain answers, and its exceptions are one sentence each."""

import json
from typing import Any

import httpx
import pytest
from langchain_core.exceptions import ContextOverflowError, ModelAuthenticationError
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.errors import GraphInterrupt
from pydantic import SecretStr

from tests.models.fake_models import (
    REPLY,
    AsyncModel,
    FailingModel,
    StreamModel,
    SyncModel,
    SyncStreamModel,
)
from threadkeep.base.errors import ProviderFailed
from threadkeep.base.settings import Settings
from threadkeep.graph.context import Context
from threadkeep.knowledge.extraction_calls import extract_by_model
from threadkeep.memory import open_memory
from threadkeep.models import faults
from threadkeep.models.calls import call
from threadkeep.models.error_text import one_line
from threadkeep.models.finish import is_cut_off
from threadkeep.models.identity import endpoint_of, is_exact, name_of
from threadkeep.models.offline import OfflineChatModel
from threadkeep.models.provider_errors import explain_any

KEY = "verysecret0123456789"
ADA = Context(user_id="ada")


class StatusError(Exception):
    """An HTTP error as a provider's package raises it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status_code = status


@pytest.mark.parametrize("kind", [SyncModel, AsyncModel, SyncStreamModel, StreamModel])
async def test_a_turn_is_answered_by_any_kind_of_chat_model(
    home: Settings, kind: type[SyncModel]
) -> None:
    model = kind()
    async with open_memory(home, model=model) as memory:
        turn = await memory.say("I live in Bergen.", thread="first", user_id="ada")
        pieces = [piece async for piece in turn]
        await turn.finished()
    assert "".join(pieces).strip() == turn.reply.strip() == REPLY
    streams = kind in (SyncStreamModel, StreamModel)
    assert len([piece for piece in pieces if piece]) == (4 if streams else 1)
    assert turn.ledger["model"] == f"{kind.__name__}/fake-1"
    assert turn.ledger["exact"] is False
    assert model.prompts[0][-1].text == "I live in Bergen."


async def test_a_provider_that_fails_ends_the_turn_with_one_sentence(home: Settings) -> None:
    model = FailingModel(error=RuntimeError(f"bad key {KEY}"), api_key=SecretStr(KEY))
    async with open_memory(home, model=model) as memory:
        turn = await memory.say("hello", thread="first", user_id="ada")
        with pytest.raises(ProviderFailed, match=r"RuntimeError: bad key \[key\]"):
            await turn.finished()


async def test_an_overflow_of_any_provider_is_tried_again_with_a_smaller_prompt(
    home: Settings,
) -> None:
    error = ValueError("prompt is too long: 9000 tokens > 2000 maximum")
    model = FailingModel(error=error, failures=1)
    async with open_memory(home, model=model) as memory:
        turn = await memory.say("word " * 3_000, thread="first", user_id="ada")
        await turn.finished()
    assert turn.reply == REPLY
    first, second = (len(prompt[-1].text) for prompt in model.prompts[:2])
    assert second < 0.7 * first


@pytest.mark.parametrize(
    ("error", "kind", "exit_code"),
    [
        (StatusError(401, "no"), faults.KeyRefused, 3),
        (ModelAuthenticationError("no"), faults.KeyRefused, 3),
        (StatusError(404, "no such model"), faults.UnknownModel, 3),
        (StatusError(400, "no temperature"), faults.RequestRefused, 4),
        (StatusError(400, "Your credit balance is too low"), faults.QuotaUsedUp, 4),
        (StatusError(429, "Too many tokens, please wait"), faults.RateLimited, 4),
        (StatusError(529, "overloaded"), faults.ProviderServerFailed, 4),
        (httpx.ConnectError("refused"), faults.Unreachable, 4),
        (ConnectionResetError(104, "reset"), faults.Unreachable, 4),
        (httpx.ReadTimeout("slow"), faults.TooSlow, 4),
        (TimeoutError(), faults.TooSlow, 4),
        (ContextOverflowError("no"), faults.ContextOverflow, 4),
        (KeyError("choices"), faults.CallFailed, 4),
        (AssertionError(), faults.CallFailed, 4),
        (NotImplementedError("later\nor never"), faults.CallFailed, 4),
    ],
    ids=repr,
)
async def test_any_exception_is_one_sentence(
    error: Exception, kind: type[ProviderFailed], exit_code: int
) -> None:
    with pytest.raises(kind) as caught:
        await call(FailingModel(error=error), [HumanMessage("hello")])
    text = str(caught.value)
    assert type(caught.value) is kind
    assert caught.value.exit_code == exit_code
    assert caught.value.__context__ is None
    assert "FailingModel/fake-1" in text
    assert text.endswith(".")
    assert "\n" not in text


async def test_an_interrupt_of_the_graph_is_no_failure() -> None:
    with pytest.raises(GraphInterrupt):
        await call(FailingModel(error=GraphInterrupt()), [HumanMessage("hello")])


async def test_a_defect_of_this_package_keeps_its_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*args: Any) -> str:
        raise KeyError("defect")

    monkeypatch.setattr("threadkeep.models.offline.reply_to", fail)
    with pytest.raises(KeyError, match="defect"):
        await call(OfflineChatModel(), [HumanMessage("hello")])


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("This model's maximum context length is 8192 tokens. However, you requested 9000", 8192),
        ("prompt is too long: 213423 tokens > 200000 maximum", 200_000),
        ("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", 200_000),
        (
            "The input token count (1048577) exceeds the maximum number of tokens (1048576)",
            1_048_576,
        ),
        ("Input is too long for requested model.", None),
        ("too many tokens: total number of tokens in the prompt cannot exceed 4081", 4081),
        (
            "Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
            32_768,
        ),
        ("This model's maximum prompt length is 131072 but the request contains 5e5", 131_072),
        ("The prompt is too long: 131077, model maximum context length: 131072", 131_072),
        ("Input validation error: `inputs` must have less than 1024 tokens. Given: 5000", 1024),
        ("Please reduce the length of the messages or completion.", None),
        ("request (9000 tokens) exceeds the available context size (4096 tokens)", 4096),
        ("litellm.ContextWindowExceededError: no", None),
    ],
)
def test_overflow_is_recognised_in_the_words_of_common_providers(
    text: str, limit: int | None
) -> None:
    for error in (StatusError(400, text), ValueError(text)):
        fault = explain_any(error, SyncModel())
        assert isinstance(fault, faults.ContextOverflow)
        assert fault.limit == limit


@pytest.mark.parametrize(
    "text",
    [
        f"Incorrect API key provided: sk-{KEY}",
        f"invalid x-api-key sk-ant-{KEY}",
        f"https://host/v1?key={KEY}&x=1",
        f"'Authorization': 'Bearer {KEY}'",
        f"API key not valid: AIza{KEY}",
        f"http://user:{KEY}@host/v1 refused",
        f"gsk_{KEY} hf_{KEY}",
    ],
)
def test_what_looks_like_a_key_is_not_shown(text: str) -> None:
    assert KEY not in one_line(text)


def test_keys_in_the_fields_of_a_model_are_not_shown() -> None:
    class Headers(SyncModel):
        headers: dict[str, str]

    model = Headers(api_key=SecretStr("plain word of a key"), headers={"x-token": "another one"})
    text = str(explain_any(ValueError("plain word of a key, another one"), model))
    assert "plain word" not in text
    assert "another one" not in text


def test_an_error_text_without_a_key_is_shown_as_it_is() -> None:
    text = (
        "prompt token count of 213423 exceeds the limit; see https://host/docs/key-authentication"
    )
    assert one_line(text) == text


def test_a_model_is_named_by_its_class_and_name() -> None:
    assert name_of(SyncModel(model="x/y:1")) == "SyncModel/x/y:1"
    assert name_of(SyncModel(model="")) == "SyncModel"
    assert name_of(OfflineChatModel()) == "offline"
    assert is_exact(OfflineChatModel())
    assert not is_exact(SyncModel(model="offline"))
    assert is_exact(SyncModel(model="gpt-4o"))


def test_an_endpoint_shows_no_password() -> None:
    class Local(SyncModel):
        base_url: str

    model = Local(base_url="http://ada:hidden@127.0.0.1:11434/v1")
    assert endpoint_of(model) == "Local/fake-1 at http://127.0.0.1:11434"


FACT = {"subject": "Ada", "predicate": "lives in", "object": "Bergen", "valid_from": None}


async def test_a_model_without_structured_output_extracts_as_plain_json() -> None:
    model = SyncModel(reply=json.dumps({"entities": [], "facts": [FACT]}))
    for _ in range(2):
        extraction, usage = await extract_by_model(model, "Note.")
        assert extraction is not None
        assert extraction.facts[0].object == "Bergen"
        assert usage["calls"] == 1
    assert "Answer with one JSON object" in model.prompts[0][-1].text


async def test_structured_output_is_used_where_the_model_has_it() -> None:
    class Tools(SyncModel):
        def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
            return self.bind(tools=tools)

        def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
            result = self.result(messages)
            name = kwargs["tools"][0]["title"]
            args_ = {"entities": [], "facts": [FACT]}
            result.generations[0].message = AIMessage(
                "", tool_calls=[{"name": name, "args": args_, "id": "1"}]
            )
            return result

    model = Tools()
    extraction, _ = await extract_by_model(model, "Note.")
    assert extraction is not None
    assert extraction.facts[0].object == "Bergen"
    assert len(model.prompts) == 1


async def test_a_provider_that_is_down_is_called_once_for_an_extraction() -> None:
    model = FailingModel(error=StatusError(503, "down"))
    assert (await extract_by_model(model, "Note."))[0] is None
    assert len(model.prompts) == 1


@pytest.mark.parametrize(
    ("metadata", "cut_off"),
    [
        ({"finish_reason": "length"}, True),
        ({"finish_reason": "MAX_TOKENS"}, True),
        ({"stop_reason": "max_tokens"}, True),
        ({"done_reason": "length"}, True),
        ({"finish_reason": "stop"}, False),
        ({"stop_reason": "end_turn"}, False),
        ({}, False),
    ],
)
def test_a_reply_at_the_token_limit_is_recognised(metadata: dict[str, str], cut_off: bool) -> None:
    assert is_cut_off(AIMessage("half", response_metadata=metadata)) is cut_off
