import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import MAX_MESSAGE_BYTES, sanitise_text
from threadkeep.transfer.importers.jsonl import MAX_LINE_BYTES, parse_line, read_jsonl
from threadkeep.transfer.importers.locomo import parse_dialogue_time, read_locomo
from threadkeep.transfer.importers.transcript import MAX_FAULTS

GOOD: dict[str, Any] = {
    "user": "ada",
    "thread": "travel",
    "role": "user",
    "text": "I live in Bergen.",
    "time": "2024-05-01T10:00:00+02:00",
}


def line_with(**changed: Any) -> bytes:
    return json.dumps(GOOD | changed).encode()


def conversation(**changed: Any) -> dict[str, Any]:
    dialogues: dict[str, Any] = {
        "speaker_a": "Ada",
        "speaker_b": "Bo",
        "session_2_date_time": "12:05 am on 1 January, 2024",
        "session_2": [{"speaker": "Bo", "dia_id": "D2:1", "text": "Happy new year!"}],
        "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [
            {"speaker": "Ada", "dia_id": "D1:1", "text": "Hi Bo!"},
            {"speaker": "Bo", "dia_id": "D1:2", "text": "Look.", "blip_caption": "a red  boat"},
        ],
        "session_3_date_time": "1:00 pm on 2 January, 2024",
    }
    return {"sample_id": "conv-1", "conversation": dialogues | changed, "qa": []}


def locomo(tmp_path: Path, *conversations: Any) -> Path:
    path = tmp_path / "talks.json"
    path.write_text(json.dumps(list(conversations)))
    return path


def refusal(read: Callable[..., object], *arguments: object) -> str | None:
    """Return the error sentence for a refused value, or None."""
    try:
        read(*arguments)
    except BadInput as error:
        return str(error)
    return None


@given(text=st.text(), name=st.none() | st.just("Ada Lovelace"), ascii_only=st.booleans())
def test_any_text_is_read_word_for_word_or_refused_as_empty(
    text: str, name: str | None, ascii_only: bool
) -> None:
    record = json.dumps(GOOD | {"text": text, "name": name}, ensure_ascii=ascii_only)
    if sanitise_text(text).strip():
        message = parse_line(1, record.encode())
        assert (message.text, message.name) == (sanitise_text(text), name)
    else:
        with pytest.raises(BadInput, match="empty"):
            parse_line(1, record.encode())


@given(raw=st.binary() | st.text().map(str.encode))
def test_any_bytes_are_refused_with_one_sentence(raw: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        parse_line(1, raw)
    assert "\n" not in str(caught.value)


@given(
    key=st.sampled_from(["user", "thread", "role", "text", "time", "name"]),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
)
def test_any_value_is_accepted_or_refused_with_one_sentence(key: str, value: object) -> None:
    assert "\n" not in (refusal(parse_line, 1, line_with(**{key: value})) or "")


def test_a_time_is_converted_to_utc() -> None:
    assert parse_line(1, line_with()).time == datetime(2024, 5, 1, 8, tzinfo=UTC)


def test_the_user_argument_overrides_the_user_of_every_line() -> None:
    assert parse_line(1, line_with(user=None), "bo").user == "bo"
    assert parse_line(1, line_with(user="ada"), "bo").user == "bo"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"{", "not JSON"),
        (b"[]", "a list, not an object"),
        (b"null", "not an object"),
        (b"\xff\xfe{", "not UTF-8"),
        (b"[" * 100_000, "nested too deep"),
        (b"1" * 5_000, "too many digits"),
        (line_with(text=float("nan")), "NaN"),
        (line_with(score=float("-inf")), "-Infinity"),
        (line_with(user=None), "user is missing"),
        (line_with(thread=" travel"), "thread"),
        (line_with(thread="t" * 129), "thread"),
        (line_with(role="bot"), "'bot'.*user, assistant, system, tool"),
        (line_with(role=[]), "role is a list"),
        (line_with(time="yesterday"), "'yesterday' cannot be read"),
        (line_with(time=[]), "cannot be read"),
        (line_with(text=None), "text is missing"),
        (line_with(text=["a"]), "text is a list"),
        (line_with(text=" \n"), "empty"),
        (line_with(text="é" * MAX_MESSAGE_BYTES), "64,000 bytes; the limit is 32,000"),
        (line_with(name=3), "name"),
        (b" " * (MAX_LINE_BYTES + 1), "more than 1,000,000 bytes"),
    ],
)
def test_a_malformed_line_is_refused_with_a_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        parse_line(1, raw)


def test_lines_are_numbered_as_in_an_editor(tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    huge = b'{"text": "' + b"x" * (3 * MAX_LINE_BYTES) + b'"}'
    path.write_bytes(
        b"\xef\xbb\xbf"
        + line_with()
        + b"\r\n\n"
        + huge
        + b"\n"
        + line_with(text="a\u2028b")
        + b"\nx"
    )
    transcript = read_jsonl(path)
    assert [message.number for message in transcript.messages] == [1, 4]
    assert [fault.partition(":")[0] for fault in transcript.faults] == ["line 3", "line 5"]


def test_the_number_of_reported_faults_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    path.write_bytes(b"{}\n" * 1_000)
    transcript = read_jsonl(path)
    assert (transcript.malformed, len(transcript.faults)) == (1_000, MAX_FAULTS)


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    for path, reason in [
        (tmp_path / "none.jsonl", "No such file"),
        (tmp_path, "is a folder"),
        (Path(os.devnull), "is a device"),
        (tmp_path / ("n" * 300), "too long"),
        (Path("a\0b"), "null"),
    ]:
        for read in (read_jsonl, read_locomo):
            with pytest.raises(BadInput, match=reason):
                read(path)


def test_a_locomo_conversation_is_a_user_and_each_dialogue_a_thread(tmp_path: Path) -> None:
    transcript = read_locomo(locomo(tmp_path, conversation()))
    assert transcript.faults == []
    assert [
        (
            message.user,
            message.thread,
            message.role,
            message.name,
            message.text,
            message.time.isoformat()[:16],
        )
        for message in transcript.messages
    ] == [
        ("conv-1", "session_1", "user", "Ada", "Hi Bo!", "2023-05-08T13:56"),
        (
            "conv-1",
            "session_1",
            "assistant",
            "Bo",
            "Look. [shares a photo: a red boat]",
            "2023-05-08T13:57",
        ),
        ("conv-1", "session_2", "assistant", "Bo", "Happy new year!", "2024-01-01T00:05"),
    ]
    assert [message.source_id for message in transcript.messages] == ["D1:1", "D1:2", "D2:1"]


def test_a_photo_alone_is_a_message(tmp_path: Path) -> None:
    turn = {"speaker": "Ada", "dia_id": "D1:1", "text": "", "blip_caption": "a boat"}
    transcript = read_locomo(locomo(tmp_path, conversation(session_1=[turn])))
    assert transcript.messages[0].text == "[shares a photo: a boat]"


def test_conversations_of_one_user_have_separate_threads(tmp_path: Path) -> None:
    other = conversation() | {"sample_id": "conv-2"}
    transcript = read_locomo(locomo(tmp_path, conversation(), other), "ada")
    assert {message.user for message in transcript.messages} == {"ada"}
    assert len({message.thread for message in transcript.messages}) == 4


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"session_1_date_time": "noon"}, "conversation 1, session_1: The time 'noon'"),
        ({"session_1_date_time": None}, "conversation 1, session_1: The time is missing"),
        ({"session_1": "Hi"}, "conversation 1, session_1: It is a string"),
        ({"session_1": ["Hi"]}, "turn 1 .conversation 1, session_1, number 1.: It is a string"),
        ({"session_1": [{"speaker": "Cy", "text": "Hi"}]}, "'Cy' is neither 'Ada' nor 'Bo'"),
        ({"session_1": [{"speaker": "Ada", "text": 1}]}, "text is a number"),
        ({"session_1": [{"speaker": "Ada", "text": "Hi", "dia_id": 1}]}, "dia_id 1 is not text"),
        ({"speaker_b": "Ada"}, "conversation 1: Both speakers"),
        ({"speaker_b": None}, "conversation 1: The speaker None is not text"),
    ],
)
def test_a_malformed_locomo_turn_is_reported_with_its_place(
    tmp_path: Path, changed: dict[str, Any], fault: str
) -> None:
    transcript = read_locomo(locomo(tmp_path, conversation(**changed)))
    with pytest.raises(BadInput, match=fault):
        raise BadInput("; ".join(transcript.faults))
    assert transcript.malformed == 1


def test_a_second_conversation_with_the_same_id_is_refused(tmp_path: Path) -> None:
    transcript = read_locomo(locomo(tmp_path, conversation(), conversation(), 3, {}))
    assert len(transcript.messages) == 3
    assert [fault.partition(":")[0] for fault in transcript.faults] == [
        "conversation 2",
        "conversation 3",
        "conversation 4",
    ]


@pytest.mark.parametrize("raw", [b"{}", b"3", b"[", b"\xff", b"[" * 100_000, b"[NaN]"])
def test_a_file_that_is_no_list_of_conversations_is_refused(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "talks.json"
    path.write_bytes(raw)
    with pytest.raises(BadInput, match=r"talks\.json"):
        read_locomo(path)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1:56 pm on 8 May, 2023", "2023-05-08T13:56:00+00:00"),
        ("12:00 pm on 29 February, 2024", "2024-02-29T12:00:00+00:00"),
        ("12:09 AM on 13 september, 2023", "2023-09-13T00:09:00+00:00"),
    ],
)
def test_a_dialogue_time_is_parsed(text: str, moment: str) -> None:
    assert parse_dialogue_time(text).isoformat() == moment


@given(text=st.text() | st.from_regex(r"\d\d:\d\d am on \d\d May, \d{4}") | st.none())
def test_any_dialogue_time_is_parsed_or_refused(text: str | None) -> None:
    assert "1:56 pm" in (refusal(parse_dialogue_time, text) or "1:56 pm")


def test_turns_past_the_end_of_the_calendar_are_refused(tmp_path: Path) -> None:
    turns = [{"speaker": "Ada", "text": "Hi"}] * 3
    record = conversation(session_1=turns, session_1_date_time="11:58 pm on 31 December, 9999")
    transcript = read_locomo(locomo(tmp_path, record))
    assert (transcript.malformed, len(transcript.messages)) == (1, 3)
