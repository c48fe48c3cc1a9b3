"""Chunks of a stream as dicts: pydantic warns on stderr about those with a list as content."""

from collections.abc import AsyncIterator
from typing import Any, Self

import openai


class PlainChunks:
    """The completions of an async client of OpenAI's, whose streams hold dicts."""

    def __init__(self, completions: Any) -> None:
        self._completions = completions

    def __getattr__(self, name: str) -> Any:
        return getattr(self._completions, name)

    async def create(self, **payload: Any) -> Any:
        """Return a reply, or its stream."""
        response = await self._completions.create(**payload)
        return _PlainStream(response) if payload.get("stream") else response


class _PlainStream:
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stream.__aexit__(*error)

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        async for chunk in self._stream:
            body = chunk if isinstance(chunk, dict) else chunk.model_dump(warnings=False)
            if not body.get("choices") and body.get("object") == "error":
                request = self._stream.response.request
                raise openai.APIError(str(body.get("message")), request, body=body)
            yield body
