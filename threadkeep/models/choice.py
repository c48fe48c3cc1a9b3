"""Which model answers, and why: chosen by name, by a key, by an address, found, or offline."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr

from threadkeep.base.errors import BadInput, NoModel
from threadkeep.base.settings import Settings
from threadkeep.models.openai import is_loopback, open_openai

OFFLINE = "offline"
DEFAULT_OPENAI_MODEL = "gpt-4.1-mini"
# Ollama, LM Studio, llama.cpp, vLLM: where they listen if nobody says otherwise.
LOCAL_PORTS = (11434, 1234, 8080, 8000)
PROBE_SECONDS = 0.25
_MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class Choice:
    """A model that is not built yet."""

    name: str
    """`offline`, or `openai/NAME`."""
    reason: str
    """A phrase for the first line of a chat: "offline, because OPENAI_API_KEY is not set"."""
    build: Callable[[], BaseChatModel]
    found: bool = False
    """Whether nobody named it, and it was found on this machine: to be announced."""


async def choose_model(settings: Settings, flag: BaseChatModel | str | None) -> Choice:
    """Return the model to use; unless `settings` forbid it, also one found on this machine.

    The first that is there: `flag`, THREADKEEP_MODEL, OPENAI_BASE_URL or OPENAI_API_KEY, a local
    server, offline.

    Raises:
        NoModel: the name cannot be used, for want of a key for instance.
        BadInput: OPENAI_BASE_URL is not an address.
    """
    if isinstance(flag, BaseChatModel):
        model = flag
        name = str(getattr(model, "model_name", None) or model._llm_type)
        return Choice(name, f"{name}, because it was passed", lambda: model)
    _check_address(settings.openai_base_url)
    if flag:
        return _named(settings, flag.strip(), "it was asked for")
    if settings.model:
        return _named(settings, settings.model.strip(), "THREADKEEP_MODEL names it")
    if settings.openai_base_url:
        name = await _first_model(settings.openai_base_url) or DEFAULT_OPENAI_MODEL
        return _openai(settings, name, "OPENAI_BASE_URL is set")
    if settings.openai_api_key:
        return _openai(settings, DEFAULT_OPENAI_MODEL, "OPENAI_API_KEY is set")
    if not settings.probe:
        return _offline("OPENAI_API_KEY is not set")
    if found := await find_local():
        name, address = found
        return _found(name, address)
    return _offline("OPENAI_API_KEY is not set and no local server was found")


async def find_local() -> tuple[str, str] | None:
    """Return name and address of a model served on this machine, in `PROBE_SECONDS`, or None."""
    addresses = [f"http://127.0.0.1:{port}/v1" for port in LOCAL_PORTS]
    names = await asyncio.gather(*map(_first_model, addresses))
    return next(((name, at) for name, at in zip(names, addresses, strict=True) if name), None)


def _named(settings: Settings, wanted: str, why: str) -> Choice:
    if wanted == OFFLINE:
        return _offline(why)
    name = wanted.removeprefix("openai/")
    if not name or not name.isprintable() or " " in name:
        raise NoModel(f"Model {wanted!r:.80} has no name; write offline, or openai/NAME.")
    if not settings.openai_base_url:
        if "/" in name:
            raise NoModel(
                f"Model {wanted!r:.80} is none of OpenAI's; write offline or openai/NAME, "
                "or set OPENAI_BASE_URL to the server that has it."
            )
        if not settings.openai_api_key:
            raise NoModel(
                f"Model {wanted!r:.80} needs a key; set OPENAI_API_KEY, or OPENAI_BASE_URL for "
                "a local server, or use --model offline."
            )
    return _openai(settings, name, why)


def _openai(settings: Settings, name: str, why: str) -> Choice:
    key = _sendable(settings.openai_api_key)
    return Choice(
        f"openai/{name}",
        f"{name}, because {why}",
        lambda: open_openai(name, key, settings.openai_base_url),
    )


def _found(name: str, address: str) -> Choice:
    where = address.removesuffix("/v1")
    return Choice(
        f"openai/{name}",
        f"{name}, because it was found on {where}",
        lambda: open_openai(name, None, address),
        found=True,
    )


def _offline(why: str) -> Choice:
    def build() -> BaseChatModel:
        from threadkeep.models.offline import OfflineChatModel

        return OfflineChatModel()

    return Choice(OFFLINE, f"offline, because {why}", build)


def _sendable(key: SecretStr | None) -> SecretStr | None:
    """Return the key without blanks around it; what no header can carry is refused."""
    if key is None:
        return None
    value = key.get_secret_value().strip()
    if not value.isascii() or not value.isprintable() or " " in value:
        raise NoModel(
            "OPENAI_API_KEY holds a blank or a sign that no key has; set it again, on one line."
        )
    return SecretStr(value)


def _check_address(base_url: str | None) -> None:
    if base_url is None:
        return
    try:
        parts = urlsplit(base_url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        good = good and base_url.isprintable() and " " not in base_url
    except ValueError:
        good = False
    if not good:
        raise BadInput(
            f"OPENAI_BASE_URL {base_url.rpartition('@')[2]!r:.80} is not an address; "
            "write it like http://127.0.0.1:11434/v1."
        )


async def _first_model(base_url: str) -> str | None:
    """Return the first chat model that the server on this machine lists, or None.

    HTTP/1.0 over a plain socket: no proxy, no key, no client library to load.
    """
    parts = urlsplit(base_url)
    if parts.scheme != "http" or not is_loopback(base_url):
        return None
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            body = await _get(parts.hostname or "", parts.port or 80, f"{parts.path}/models")
        listed = json.loads(body)["data"]
        names = [model["id"] for model in listed if isinstance(model["id"], str)]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return next((name for name in names if name and "embed" not in name.lower()), None)


async def _get(host: str, port: int, path: str) -> bytes:
    """Return the body of a 200.

    Raises:
        OSError: nothing listens there.
        ValueError: it is not a 200.
    """
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n".encode())
        answer = b""
        while len(answer) < _MOST_BYTES and (part := await reader.read(65_536)):
            answer += part
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    if b" 200" not in head.split(b"\r\n")[0]:
        raise ValueError("no list of models")
    return body
