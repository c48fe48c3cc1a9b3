"""What a chat-completions server refuses, read from its errors, and requests without it.

A quirk is a word: `no:FIELD` (a field that is left out), `no_system` (system text goes to the head
of the first user message), `alternate` (neighbours of one role become one message).
"""

import json
import re
import threading
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

Body = dict[str, Any]
REFUSALS = (400, 422, 500)
"""Statuses of a request that a server may take in another form; 500 is a chat template's."""
MAX_CHANGES = 4
# Without them a request means something else: the caller must hear of it.
_REQUIRED = frozenset(
    {"model", "messages", "stream", "tools", "tool_choice", "response_format", "functions"}
)
_SYSTEM_ROLES = ("system", "developer")
_SYSTEM = re.compile(
    r"\b(?:system|developer)\b|\brole\b.{0,60}(?:support|allow|invalid|unknown|must be|only)"
    r"|(?:unknown|invalid|unsupported|unexpected)\W{0,3}(?:message )?role",
    re.IGNORECASE,
)
_ALTERNATE = re.compile(r"alternat|consecutive|same role|roles? must", re.IGNORECASE)
_FIELD = re.compile(
    r"extra (?:inputs|fields)|additional propert|not permitted|not supported|unsupported"
    r"|(?:unknown|unrecogni[sz]ed|unexpected|invalid)\W{0,3}(?:request )?"
    r"(?:name|field|argument|param|key|propert)|^\W*(?:bad request|unprocessable entity)?\W*$",
    re.IGNORECASE,
)


class ServerQuirks:
    """The quirks of servers and models; with a file they are remembered by the next process."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._by_server: dict[str, list[str]] | None = None

    def of(self, server: str) -> frozenset[str]:
        """Return what is known of a server; it may read the file."""
        with self._lock:
            if self._by_server is None:
                self._by_server = self._read()
            return frozenset(self._by_server.get(server, ()))

    def learn(self, server: str, quirks: Set[str]) -> None:
        """Remember the quirks of a server; it may write the file."""
        with self._lock:
            by_server = self._by_server = {**self._read(), **(self._by_server or {})}
            by_server[server] = sorted({*by_server.get(server, ()), *quirks})
            self._write(by_server)

    def _read(self) -> dict[str, list[str]]:
        if self._file is None:
            return {}
        try:
            rows = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        items = rows.items() if isinstance(rows, dict) else ()
        return {key: [*map(str, row)] for key, row in items if isinstance(row, list)}

    def _write(self, by_server: Mapping[str, Sequence[str]]) -> None:
        if self._file is None:
            return
        try:
            with NamedTemporaryFile(
                "w", encoding="utf-8", dir=self._file.parent, delete=False
            ) as file:
                json.dump(by_server, file, indent=1)
            Path(file.name).replace(self._file)
        except OSError:
            return  # It is learned again by the next process.


def quirk_in(status: int, error: str, body: Body, quirks: Set[str]) -> str | None:
    """Return what the server of this error refuses in `body`, sent with `quirks`, if it is new."""
    # A 500 is read for a chat template's words alone.
    fields = body if status != 500 else ()
    optional = [field for field in fields if field not in _REQUIRED and f"no:{field}" not in quirks]
    for field in optional:
        if re.search(rf"(?<![\w]){re.escape(field)}(?![\w])", error):
            return f"no:{field}"
    has_system = "no_system" not in quirks and any(
        message.get("role") in _SYSTEM_ROLES for message in body.get("messages") or ()
    )
    if "alternate" not in quirks and _ALTERNATE.search(error):
        return "alternate"
    if has_system and (_SYSTEM.search(error) or _ALTERNATE.search(error)):
        return "no_system"
    if "stream_options" in optional and _FIELD.search(error):
        return "no:stream_options"
    return None


def adapt(body: Body, quirks: Set[str]) -> Body:
    """Return the request as a server with these quirks takes it."""
    adapted = {field: value for field, value in body.items() if f"no:{field}" not in quirks}
    messages = list(adapted.get("messages") or ())
    if "no_system" in quirks:
        messages = _without_system(messages)
    if "alternate" in quirks:
        messages = _alternating(messages)
    return {**adapted, "messages": messages}


def _without_system(messages: Sequence[Body]) -> list[Body]:
    system = [message for message in messages if message.get("role") in _SYSTEM_ROLES]
    others = [message for message in messages if message.get("role") not in _SYSTEM_ROLES]
    if not system:
        return others
    content: Any = ""
    for message in system:
        content = _join(content, message.get("content"))
    head: Body = {"role": "user", "content": content}
    place = next((i for i, message in enumerate(others) if message.get("role") == "user"), None)
    if place is None:
        return [head, *others]
    first = others[place]
    joined = {**first, "content": _join(content, first.get("content"))}
    return [*others[:place], joined, *others[place + 1 :]]


def _alternating(messages: Sequence[Body]) -> list[Body]:
    merged: list[Body] = []
    for message in messages:
        last = merged[-1] if merged else {}
        role = message.get("role")
        if (
            role in ("user", "assistant")
            and role == last.get("role")
            and not (last.get("tool_calls") or message.get("tool_calls"))
        ):
            merged[-1] = {**last, "content": _join(last.get("content"), message.get("content"))}
        else:
            merged.append(message)
    return merged


def _join(first: Any, second: Any) -> Any:
    """Return two contents as one; text stays text."""
    if not first or not second:
        return first or second or ""
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    return [*_blocks(first), *_blocks(second)]


def _blocks(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
