import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from langchain.chat_models.base import _BUILTIN_PROVIDERS
from pydantic import SecretStr

from tests.models.fake_models import SyncModel
from threadkeep.base.errors import BadInput, NoModel
from threadkeep.base.settings import Settings
from threadkeep.models import local_servers, provider_models
from threadkeep.models.choice import DEFAULT_OPENAI_MODEL, choose_model
from threadkeep.models.provider_models import PROVIDERS
from threadkeep.testing import scripted_server

KEY = SecretStr("sk-verysecret0123456789")
DEAF = "http://127.0.0.1:9/v1"


def settings(**values: Any) -> Settings:
    return Settings(home=Path("unused"), **{"probe": False, **values})


async def test_without_a_key_the_model_is_offline_and_says_why() -> None:
    choice = await choose_model(settings(), None)
    assert choice.name == "offline"
    assert choice.reason == "offline, because OPENAI_API_KEY is not set"


@pytest.mark.parametrize(
    ("values", "flag", "name"),
    [
        ({"openai_api_key": KEY, "model": "gpt-4o"}, "offline", "offline"),
        ({"openai_api_key": KEY, "model": "gpt-4o"}, "openai/o3", "openai/o3"),
        ({"openai_api_key": KEY, "model": "gpt-4o"}, None, "openai/gpt-4o"),
        ({"openai_api_key": KEY, "model": "offline"}, None, "offline"),
        ({"openai_api_key": KEY}, None, f"openai/{DEFAULT_OPENAI_MODEL}"),
        ({"openai_base_url": DEAF}, None, f"openai/{DEFAULT_OPENAI_MODEL}"),
        ({"openai_base_url": DEAF}, "openai/qwen3", "openai/qwen3"),
        ({"openai_base_url": DEAF}, "Qwen/Qwen3-8B", "openai/Qwen/Qwen3-8B"),
        ({"openai_base_url": DEAF}, "openai/openai/gpt-4o", "openai/openai/gpt-4o"),
        ({"openai_base_url": DEAF}, "llama3:8b", "openai/llama3:8b"),
        ({"openai_api_key": KEY}, "openai:gpt-4o", "openai/gpt-4o"),
    ],
)
async def test_the_flag_comes_before_the_setting_and_the_setting_before_the_key(
    values: dict[str, Any], flag: str | None, name: str
) -> None:
    choice = await choose_model(settings(**values), flag)
    assert choice.name == name
    assert choice.reason.startswith(f"{name.removeprefix('openai/')}, because ")


@pytest.mark.parametrize(
    ("values", "flag", "remedy"),
    [
        ({}, "openai/gpt-4o", "set OPENAI_API_KEY"),
        ({}, "gpt-4o", "set OPENAI_API_KEY"),
        ({"model": "gpt-4o"}, None, "--model offline"),
        ({"openai_api_key": KEY}, "openai/", "openai/NAME"),
        ({"openai_api_key": KEY}, "anthropic/claude", "OPENAI_BASE_URL"),
        ({"openai_api_key": KEY}, "anthropic/claude", "anthropic:claude"),
        ({}, "anthropic:", "anthropic:NAME"),
        ({}, "huggingface:gpt2", "THREADKEEP_ALLOW_DOWNLOAD"),
        ({"openai_api_key": KEY}, "two words", "openai/NAME"),
        ({"openai_api_key": SecretStr("sk-ab\ncd")}, None, "on one line"),
        ({"openai_api_key": SecretStr("sk-äb")}, "gpt-4o", "on one line"),
    ],
)
async def test_an_unusable_model_is_refused_with_the_remedy(
    values: dict[str, Any], flag: str | None, remedy: str
) -> None:
    with pytest.raises(NoModel, match=remedy) as caught:
        await choose_model(settings(**values), flag)
    assert caught.value.exit_code == 3
    assert "sk-" not in str(caught.value)


async def test_a_chat_model_is_used_as_it_is() -> None:
    model = SyncModel()
    choice = await choose_model(settings(model="gpt-4o"), model)
    assert (choice.name, choice.build()) == ("SyncModel/fake-1", model)


@pytest.mark.parametrize("name", ["anthropic:claude-x", " Anthropic:claude-x "])
async def test_a_name_with_a_provider_is_opened_by_langchain(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    calls: list[tuple[str, str]] = []

    def open_model(model: str, *, model_provider: str) -> SyncModel:
        calls.append((model, model_provider))
        return SyncModel()

    monkeypatch.setattr("langchain.chat_models.init_chat_model", open_model)
    choice = await choose_model(settings(model=name), None)
    assert choice.name == "anthropic:claude-x"
    assert choice.reason == "anthropic:claude-x, because THREADKEEP_MODEL names it"
    assert calls == []
    assert isinstance(choice.build(), SyncModel)
    assert calls == [("claude-x", "anthropic")]


@pytest.mark.parametrize("provider", ["anthropic", "ollama", "google_genai"])
async def test_a_package_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    for module in (f"langchain_{provider}", "langchain_community"):
        monkeypatch.setitem(sys.modules, module, None)
    choice = await choose_model(settings(), f"{provider}:any")
    package = f"langchain-{provider.replace('_', '-')}"
    with pytest.raises(NoModel, match=rf"run pip install {package}\.$"):
        choice.build()


async def test_without_langchain_its_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_models, "find_spec", lambda name: None)
    with pytest.raises(NoModel, match="pip install langchain"):
        await choose_model(settings(), "anthropic:claude-x")


async def test_a_package_that_refuses_is_one_sentence_without_a_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(model: str, *, model_provider: str) -> SyncModel:
        return SyncModel.model_validate({"api_key": [KEY.get_secret_value()]})

    monkeypatch.setattr("langchain.chat_models.init_chat_model", refuse)
    choice = await choose_model(settings(), "anthropic:claude-x")
    with pytest.raises(NoModel, match="cannot be used") as caught:
        choice.build()
    assert "\n" not in str(caught.value)
    assert "sk-" not in str(caught.value)
    assert caught.value.__context__ is None


def test_every_provider_of_langchain_is_known() -> None:
    assert set(_BUILTIN_PROVIDERS) - {"openai"} == PROVIDERS


async def test_an_object_that_is_not_a_chat_model_is_refused() -> None:
    with pytest.raises(NoModel, match="pass a BaseChatModel"):
        await choose_model(settings(), SyncModel().bind(stop=[]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "address", ["localhost:11434", "ftp://x/v1", "http://", "http://x:nine", "http://a b/v1"]
)
async def test_an_invalid_address_is_refused(address: str) -> None:
    with pytest.raises(BadInput, match="OPENAI_BASE_URL"):
        await choose_model(settings(openai_base_url=address), None)


async def test_a_configured_local_server_names_its_model() -> None:
    async with scripted_server(["nomic-embed-text", "qwen3"]) as server:
        choice = await choose_model(settings(openai_base_url=server.base_url), None)
        assert (choice.name, choice.reason) == (
            "openai/qwen3",
            "qwen3, because OPENAI_BASE_URL is set",
        )
        reply = await choice.build().ainvoke("hello")
    assert reply.text == "hello"
    assert server.headers[-1]["authorization"] == "Bearer none"


async def test_blanks_around_a_key_are_not_sent() -> None:
    async with scripted_server() as server:
        local = settings(openai_base_url=server.base_url, openai_api_key=SecretStr(" sk-abc \n"))
        await (await choose_model(local, "any")).build().ainvoke("hello")
    assert server.headers[-1]["authorization"] == "Bearer sk-abc"


async def test_a_server_on_this_machine_is_discovered_unless_probing_is_forbidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with scripted_server(["llama3"]) as server:
        monkeypatch.setattr(local_servers, "LOCAL_PORTS", (9, server.port))
        assert (await choose_model(settings(), None)).name == "offline"
        choice = await choose_model(settings(probe=True), None)
        assert choice.name == "openai/llama3"
        assert choice.reason == f"llama3, because it was found on http://127.0.0.1:{server.port}"
        assert (await choice.build().ainvoke("hello")).text == "hello"
        assert (await choose_model(settings(probe=True), "offline")).name == "offline"


async def test_a_probe_uses_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with scripted_server(["qwen3"]) as server:
        choice = await choose_model(settings(openai_base_url=server.base_url), None)
    assert choice.name == "openai/qwen3"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 404 Not Found\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n\r\n<html>",
        b'HTTP/1.1 200 OK\r\n\r\n{"data": []}',
        b'HTTP/1.1 200 OK\r\n\r\n{"data": [3]}',
        b'HTTP/1.1 200 OK\r\n\r\n["data"]',
        b'HTTP/1.1 200 OK\r\n\r\n{"data": [{"id": "m"}]}' + b" " * 1_000_001,
        None,
    ],
)
async def test_any_other_service_is_skipped_quickly(
    monkeypatch: pytest.MonkeyPatch, answer: bytes | None
) -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if answer is None:
            await reader.read()  # Says nothing until the other side hangs up.
        else:
            writer.write(answer)
        writer.close()

    service = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with service:
        monkeypatch.setattr(local_servers, "LOCAL_PORTS", (service.sockets[0].getsockname()[1],))
        started = time.monotonic()
        choice = await choose_model(settings(probe=True), None)
        assert choice.name == "offline"
        assert choice.reason.endswith("no local server was found")
        assert time.monotonic() - started < 1.5
