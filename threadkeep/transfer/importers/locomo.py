"""Conversations in the format of LoCoMo: a JSON list of conversations between two people.

Each conversation has numbered dialogues (`session_1`, ...) with a start time each.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from threadkeep.base.errors import BadInput
from threadkeep.base.strict_json import json_type
from threadkeep.base.validation import validate_id
from threadkeep.transfer.importers.transcript import (
    ImportPath,
    Role,
    Transcript,
    TranscriptMessage,
    read_list,
    validate_text,
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
    """The dialogues of one conversation, its speakers and its user."""

    dialogues: Mapping[str, Any]
    user: str
    roles: Mapping[str, Role]
    prefix: str
    """Before each thread's name, to separate the conversations of one user."""


def read_locomo(path: ImportPath, user: str | None = None) -> Transcript:
    """Read a LoCoMo file: each conversation is a user, each dialogue a thread.

    With `user` all conversations are theirs, and threads are named "conv-26/session_1".

    Raises:
        BadInput: the file is missing, or holds no JSON list.
    """
    transcript, numbers = Transcript(), count(1)
    samples: set[str] = set()
    for place, record in enumerate(read_list(path), start=1):
        try:
            conversation = _conversation(record, user, samples)
        except BadInput as error:
            transcript.add_fault(f"conversation {place}", error)
            continue
        _read_dialogues(conversation, f"conversation {place}", numbers, transcript)
    return transcript


def parse_dialogue_time(text: object) -> datetime:
    """Parse a time such as "1:56 pm on 8 May, 2023", taken as UTC.

    Raises:
        BadInput: it has another form, or does not exist.
    """
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    try:
        if match is None or not 1 <= int(match[1]) <= 12:
            raise ValueError
        hour = int(match[1]) % 12 + (12 if match[3].lower() == "p" else 0)
        month = MONTHS.index(match[5].lower()) + 1
        return datetime(int(match[6]), month, int(match[4]), hour, int(match[2]), tzinfo=UTC)
    except ValueError:
        excerpt = repr(text[:40]) if isinstance(text, str) else f"is {json_type(text)} and"
        raise BadInput(f"The time {excerpt} is not like '1:56 pm on 8 May, 2023'.") from None


def _conversation(record: Any, user: str | None, samples: set[str]) -> _Conversation:
    if not isinstance(record, dict):
        raise BadInput(f"It is {json_type(record)}, not an object.")
    dialogues = record.get("conversation")
    sample = validate_id(record.get("sample_id"), "sample_id")
    if sample in samples:
        raise BadInput(f"The sample_id {sample!r} is there twice.")
    if not isinstance(dialogues, dict):
        raise BadInput(f"The conversation is {json_type(dialogues)}, not an object.")
    first, second = (validate_id(dialogues.get(f"speaker_{x}"), "speaker") for x in "ab")
    if first == second:
        raise BadInput(f"Both speakers are called {first!r}.")
    samples.add(sample)
    return _Conversation(
        dialogues=dialogues,
        user=sample if user is None else validate_id(user, "user"),
        roles={first: "user", second: "assistant"},
        prefix="" if user is None else f"{sample}/",
    )


def _read_dialogues(
    conversation: _Conversation, place: str, numbers: Iterator[int], transcript: Transcript
) -> None:
    for dialogue in _dialogue_names(conversation.dialogues):
        try:
            turns, start = _dialogue(conversation.dialogues, dialogue)
        except BadInput as error:
            transcript.add_fault(f"{place}, {dialogue}", error)
            continue
        # Turns are one minute apart, so that their times keep their order.
        for minute, turn in enumerate(turns):
            number = next(numbers)
            try:
                time = _add_minutes(start, minute)
                message = _message(number, turn, conversation, dialogue, time)
                transcript.messages.append(message)
            except BadInput as error:
                turn_place = f"turn {number} ({place}, {dialogue}, number {minute + 1})"
                transcript.add_fault(turn_place, error)


def _dialogue_names(dialogues: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the dialogues in order; a date alone is no dialogue."""
    numbered = [(int(m[1]), key) for key in dialogues if (m := _DIALOGUE.fullmatch(key))]
    yield from (key for _, key in sorted(numbered))


def _dialogue(dialogues: Mapping[str, Any], name: str) -> tuple[list[Any], datetime]:
    """Return the turns of a dialogue and its start."""
    turns = dialogues[name]
    if not isinstance(turns, list):
        raise BadInput(f"It is {json_type(turns)}, not a list of turns.")
    return turns, parse_dialogue_time(dialogues.get(f"{name}_date_time"))


def _message(
    number: int, turn: Any, conversation: _Conversation, dialogue: str, time: datetime
) -> TranscriptMessage:
    if not isinstance(turn, dict):
        raise BadInput(f"It is {json_type(turn)}, not an object.")
    speaker = validate_id(turn.get("speaker"), "speaker")
    if speaker not in conversation.roles:
        speakers = " nor ".join(map(repr, conversation.roles))
        raise BadInput(f"The speaker {speaker!r} is neither {speakers}.")
    source_id = turn.get("dia_id")
    return TranscriptMessage(
        number=number,
        user=conversation.user,
        thread=validate_id(f"{conversation.prefix}{dialogue}", "thread"),
        role=conversation.roles[speaker],
        text=validate_text(_add_caption(turn.get("text"), turn.get("blip_caption"))),
        time=time,
        name=speaker,
        source_id=None if source_id is None else validate_id(source_id, "dia_id"),
    )


def _add_caption(text: object, caption: object) -> object:
    """Return the text with the caption of its photo; a value that is no text is returned as is."""
    if not isinstance(caption, str) or not caption.strip():
        return text
    photo = f"[shares a photo: {' '.join(caption.split())}]"
    if text is None or text == "":
        return photo
    return f"{text} {photo}" if isinstance(text, str) else text


def _add_minutes(start: datetime, minutes: int) -> datetime:
    try:
        return start + timedelta(minutes=minutes)
    except OverflowError:
        raise BadInput("The time is past the last day of the calendar.") from None
