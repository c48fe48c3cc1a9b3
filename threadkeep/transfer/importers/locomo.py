"""Conversations in the shape of LoCoMo: a JSON list, each with numbered dialogues of two people."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from threadkeep.base.errors import BadInput
from threadkeep.base.strict_json import json_type
from threadkeep.base.validation import validate_id
from threadkeep.transfer.importers.transcript import (
    Line,
    Role,
    Transcript,
    check_text,
    read_list,
)

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_DIALOGUE = re.compile(r"session_(\d{1,9})")
_TIME = re.compile(
    r"\s*(\d{1,2}):(\d{2})\s*([ap])m\s+on\s+(\d{1,2})\s+([a-z]+),?\s+(\d{4})\s*",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class _Conversation:
    """Who talks in one conversation, and whose memory it becomes."""

    user: str
    roles: Mapping[str, Role]
    prefix: str
    """Before each thread's name, so that conversations of one `--user` stay apart."""


def read_locomo(path: Path, user: str | None = None) -> Transcript:
    """Return what a LoCoMo file holds: one user a conversation, one thread a dialogue.

    With `user` every conversation is theirs, and threads are named "conv-26/session_1".

    Raises:
        BadInput: there is no such file, or it is no JSON list.
    """
    found = Transcript()
    _read_conversations(read_list(path), user, found)
    return found


def parse_dialogue_time(text: object) -> datetime:
    """Return a time written like "1:56 pm on 8 May, 2023", taken as UTC.

    Raises:
        BadInput: it is written otherwise, or there is no such time.
    """
    matched = _TIME.fullmatch(text) if isinstance(text, str) else None
    try:
        if matched is None or not 1 <= int(matched[1]) <= 12:
            raise ValueError
        hour = int(matched[1]) % 12 + (12 if matched[3].lower() == "p" else 0)
        month = MONTHS.index(matched[5].lower()) + 1
        return datetime(int(matched[6]), month, int(matched[4]), hour, int(matched[2]), tzinfo=UTC)
    except ValueError:
        shown = repr(text[:40]) if isinstance(text, str) else f"is {json_type(text)} and"
        raise BadInput(f"The time {shown} is not like '1:56 pm on 8 May, 2023'.") from None


def _read_conversations(records: list[Any], user: str | None, found: Transcript) -> None:
    numbers = count(1)
    seen: set[str] = set()
    for place, record in enumerate(records, start=1):
        try:
            said, conversation = _conversation(record, user, seen)
        except BadInput as error:
            found.refuse(f"conversation {place}", error)
            continue
        for dialogue in _dialogues(said):
            where = f"conversation {place}, {dialogue}"
            try:
                turns, began = _dialogue(said, dialogue)
            except BadInput as error:
                found.refuse(where, error)
                continue
            # The next turn is a minute later, so that time keeps the order of what was said.
            for minute, turn in enumerate(turns):
                number = next(numbers)
                try:
                    moment = _later(began, minute)
                    found.lines.append(_turn(number, turn, conversation, dialogue, moment))
                except BadInput as error:
                    found.refuse(f"turn {number} ({where}, number {minute + 1})", error)


def _conversation(
    record: Any, user: str | None, seen: set[str]
) -> tuple[dict[str, Any], _Conversation]:
    if not isinstance(record, dict):
        raise BadInput(f"It is {json_type(record)}, not an object.")
    said, sample = record.get("conversation"), validate_id(record.get("sample_id"), "sample_id")
    if sample in seen:
        raise BadInput(f"The sample_id {sample!r} is there twice.")
    if not isinstance(said, dict):
        raise BadInput(f"The conversation is {json_type(said)}, not an object.")
    first, second = (validate_id(said.get(f"speaker_{which}"), "speaker") for which in "ab")
    if first == second:
        raise BadInput(f"Both speakers are called {first!r}.")
    seen.add(sample)
    return said, _Conversation(
        user=sample if user is None else validate_id(user, "user"),
        roles={first: "user", second: "assistant"},
        prefix="" if user is None else f"{sample}/",
    )


def _dialogues(said: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the dialogues in their order; a date alone makes none."""
    numbered = [(int(m[1]), key) for key in said if (m := _DIALOGUE.fullmatch(key))]
    yield from (key for _, key in sorted(numbered))


def _dialogue(said: Mapping[str, Any], name: str) -> tuple[list[Any], datetime]:
    if not isinstance(said[name], list):
        raise BadInput(f"It is {json_type(said[name])}, not a list of turns.")
    return said[name], parse_dialogue_time(said.get(f"{name}_date_time"))


def _turn(
    number: int, turn: Any, conversation: _Conversation, dialogue: str, moment: datetime
) -> Line:
    if not isinstance(turn, dict):
        raise BadInput(f"It is {json_type(turn)}, not an object.")
    speaker = validate_id(turn.get("speaker"), "speaker")
    if speaker not in conversation.roles:
        known = " nor ".join(map(repr, conversation.roles))
        raise BadInput(f"The speaker {speaker!r} is neither {known}.")
    source = turn.get("dia_id")
    return Line(
        number=number,
        user=conversation.user,
        thread=validate_id(f"{conversation.prefix}{dialogue}", "thread"),
        role=conversation.roles[speaker],
        text=check_text(_with_photo(turn.get("text"), turn.get("blip_caption"))),
        time=moment,
        name=speaker,
        source_id=None if source is None else validate_id(source, "dia_id"),
    )


def _with_photo(text: object, caption: object) -> object:
    """Return the text with what its photo shows; what is no text is left for the check to name."""
    if not isinstance(caption, str) or not caption.strip():
        return text
    photo = f"[shares a photo: {' '.join(caption.split())}]"
    if text is None or text == "":
        return photo
    return f"{text} {photo}" if isinstance(text, str) else text


def _later(began: datetime, minutes: int) -> datetime:
    try:
        return began + timedelta(minutes=minutes)
    except OverflowError:
        raise BadInput("The time is past the last day of the calendar.") from None
