"""Look for a model server on this machine."""

import asyncio
import json
import ssl
from urllib.parse import urlsplit

from threadkeep.models.openai import is_loopback

# The ports that Ollama, LM Studio, llama.cpp and vLLM listen on by default.
LOCAL_PORTS = (11434, 1234, 8080, 8000)
PROBE_SECONDS = 0.25
MAX_BYTES = 1_000_000


async def find_local_model() -> tuple[str, str] | None:
    """Return name and address of a model served on this machine, in `PROBE_SECONDS`, or None."""
    addresses = [f"http://127.0.0.1:{port}/v1" for port in LOCAL_PORTS]
    names = await asyncio.gather(*map(first_chat_model, addresses))
    return next(
        ((name, address) for name, address in zip(names, addresses, strict=True) if name), None
    )


async def first_chat_model(base_url: str) -> str | None:
    """Return the first chat model that a server on this machine lists, or None."""
    import httpx

    if urlsplit(base_url).scheme != "http" or not is_loopback(base_url):
        return None
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            models = json.loads(await _get(f"{base_url.rstrip('/')}/models"))["data"]
        names = [model["id"] for model in models if isinstance(model["id"], str)]
    except (httpx.HTTPError, OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return next((name for name in names if name and "embed" not in name.lower()), None)


async def _get(url: str) -> bytes:
    """Return the body of a 200, without proxy and without key.

    Raises:
        httpx.HTTPError: there is no server, or it does not answer 200.
        ValueError: the body is too large.
    """
    import httpx

    # A bare context: loading the certificates of the machine takes longer than the probe.
    no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    body = bytearray()
    async with (
        httpx.AsyncClient(trust_env=False, verify=no_tls) as client,
        client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response,
    ):
        if response.status_code != httpx.codes.OK:
            raise httpx.HTTPError(f"status {response.status_code}")
        async for part in response.aiter_raw():
            body += part
            if len(body) > MAX_BYTES:
                raise ValueError("the list of models is too long")
    return bytes(body)
