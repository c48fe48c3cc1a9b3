"""Prompts and answers of Gemini as Google Takeout has them: `My Activity/Gemini Apps`, as JSON.

Takeout lists activities, newest first. An activity whose link names a conversation is of the
thread of that conversation; all others are of one thread a day.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

from threadkeep.base.clock import as_local
from threadkeep.base.errors import BadInput
from threadkeep.base.strict_json import json_type
from threadkeep.base.timestamps import Timestamp, parse_timestamp
from threadkeep.base.validation import sanitise_text
from threadkeep.transfer.importers.message_content import file_note
from threadkeep.transfer.importers.transcript import (
    Conversation,
    ImportPath,
    Role,
    Transcript,
    TranscriptMessage,
    read_list,
    split_text,
    validate_text,
)

PRODUCT = re.compile(r"\b(?:Gemini|Bard)\b")
_LINK = re.compile(r"gemini\.google\.com/(?:app(?:/c)?|gem/\w+)/([0-9a-zA-Z_-]{8,64})")
_PROMPT = re.compile(r"^(?:Prompted|Asked|Said)[\s\u00a0]+")
_NO_PROMPT = re.compile(r"^(?:Used|Gave feedback|Selected|Viewed|Created|Visited|Opened)\b")
BLOCKS = frozenset("p br div li ul ol h1 h2 h3 h4 h5 h6 tr pre table blockquote hr".split())


def read_gemini(path: ImportPath, user: str) -> Transcript:
    """Read a `MyActivity.json`; activities of other products are left out.

    Raises:
        BadInput: the file is missing, or holds no JSON list.
    """
    transcript, conversations, others = Transcript(), dict[str, Conversation](), 0
    activities: list[tuple[Timestamp, int, Mapping[str, Any]]] = []
    for place, record in enumerate(read_list(path), start=1):
        try:
            if not isinstance(record, dict):
                raise BadInput(f"It is {json_type(record)}, not an object.")
            if not _is_gemini(record) or not _is_prompt(record):
                others += 1
                continue
            activities.append((parse_timestamp(record.get("time")), place, record))
        except BadInput as error:
            transcript.add_fault(f"activity {place}", error)
    for stamp, place, record in sorted(activities, key=lambda entry: (entry[0].time, -entry[1])):
        link = _LINK.search(str(record.get("titleUrl") or ""))
        day = f"{as_local(stamp.time):%Y-%m-%d}"
        name = f"Gemini {link[1]}" if link else f"Gemini {day}"
        conversation = conversations.setdefault(
            name, Conversation(source="gemini", id=link[1] if link else day)
        )
        for role, text, time in _messages(record, stamp):
            transcript.messages.append(
                TranscriptMessage(
                    number=place,
                    user=user,
                    thread=name,
                    role=role,
                    text=validate_text(text),
                    time=time,
                    utc_offset=stamp.utc_offset,
                    conversation=conversation,
                )
            )
    transcript.notes = [f"{others:,} activities that are no prompts"] if others else []
    return transcript


def _is_gemini(record: Mapping[str, Any]) -> bool:
    products = record.get("products")
    names = products if isinstance(products, list) else []
    return any(PRODUCT.search(str(name)) for name in (record.get("header"), *names))


def _is_prompt(record: Mapping[str, Any]) -> bool:
    title = record.get("title")
    if not isinstance(title, str) or not title.strip():
        return False
    if _details(record).get("request"):
        return True
    return bool(record.get("safeHtmlItem")) or not _NO_PROMPT.match(title)


def _details(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the named values of an activity: some exports have request and response there."""
    details = record.get("details")
    return {
        str(item.get("name")).lower(): str(item["value"])
        for item in (details if isinstance(details, list) else ())
        if isinstance(item, dict) and isinstance(item.get("value"), str)
    }


def _messages(record: Mapping[str, Any], stamp: Timestamp) -> Iterator[tuple[Role, str, Any]]:
    """Yield role, text and time of the prompt and of the answer, in parts if they are long."""
    time = stamp.time
    files = record.get("attachedFiles")
    notes = [
        file_note({"name": file} if isinstance(file, str) else file)
        for file in (files if isinstance(files, list) else ())
    ]
    details = _details(record)
    title = details.get("request") or _PROMPT.sub("", str(record["title"]))
    answer = details.get("response") or _answer(record)
    prompt = "\n".join([title, *notes])
    texts: tuple[tuple[Role, str], ...] = ("user", prompt), ("assistant", answer)
    for role, text in texts:
        for part in split_text(sanitise_text(text)):
            yield role, part, time
            time += timedelta(milliseconds=1)


def _answer(record: Mapping[str, Any]) -> str:
    items = record.get("safeHtmlItem")
    pieces = [
        html_text(item["html"])
        for item in (items if isinstance(items, list) else ())
        if isinstance(item, dict) and isinstance(item.get("html"), str)
    ]
    return "\n".join(piece for piece in pieces if piece)


class _TextParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


def html_text(html: str) -> str:
    """Return the words of HTML, a line for each block."""
    parser = _TextParser()
    parser.feed(html)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.pieces).split("\n"))
    return "\n".join(line for line in lines if line)
