import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.load import dumpd
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage, messages_to_dict

from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.cli.import_file import import_file
from threadkeep.stores.hybrid import open_store
from threadkeep.stores.namespaces import messages_of, thread_id, user_key
from threadkeep.transfer.importers.detect import detect_format
from threadkeep.transfer.importers.langchain import read_langchain

MESSAGES = [HumanMessage("I live in Bergen.", id="h1"), AIMessage("Lovely, by the sea!")]
RECORDS: list[dict[str, Any]] = [
    {"role": "user", "content": "I live in Bergen."},
    {"role": "assistant", "content": [{"type": "text", "text": "Lovely, by the sea!"}]},
]


def write_file(tmp_path: Path, value: Any) -> Path:
    path = tmp_path / "holidays.json"
    path.write_text(json.dumps(value))
    return path


@pytest.mark.parametrize(
    "value",
    [
        messages_to_dict(MESSAGES),
        [dumpd(message) for message in MESSAGES],
        RECORDS,
        {"messages": RECORDS},
    ],
    ids=["messages_to_dict", "dumpd", "role and content", "under messages"],
)
def test_every_message_format_is_detected_and_read(tmp_path: Path, value: Any) -> None:
    path = write_file(tmp_path, value)
    assert detect_format(path) == "langchain"
    transcript = read_langchain(path, "ada")
    assert [(message.role, message.text) for message in transcript.messages] == [
        ("user", "I live in Bergen."),
        ("assistant", "Lovely, by the sea!"),
    ]
    assert {(message.user, message.thread) for message in transcript.messages} == {
        ("ada", "holidays")
    }
    assert transcript.messages[0].time < transcript.messages[1].time
    assert read_langchain(path, "ada", "trip").messages[0].thread == "trip"


def test_messages_without_text_are_skipped_and_counted(tmp_path: Path) -> None:
    call = AIMessage("", tool_calls=[{"name": "look", "args": {}, "id": "c"}])
    value = messages_to_dict([MESSAGES[0], call, ToolMessage("Sunny.", tool_call_id="c")])
    transcript = read_langchain(write_file(tmp_path, value), "ada")
    assert [message.role for message in transcript.messages] == ["user", "tool"]
    assert transcript.notes == ["1 messages without words"]


def test_a_message_has_the_time_of_the_file(tmp_path: Path) -> None:
    value = [
        RECORDS[0] | {"created_at": "2024-05-01T10:00:00+02:00"},
        RECORDS[1] | {"timestamp": 1e9},
    ]
    messages = read_langchain(write_file(tmp_path, value), "ada").messages
    assert [message.time.isoformat() for message in messages] == [
        "2024-05-01T08:00:00+00:00",
        "2001-09-09T01:46:40+00:00",
    ]
    assert all(message.has_time for message in messages)


async def test_importing_a_copy_of_the_file_adds_nothing(tmp_path: Path) -> None:
    path, settings = write_file(tmp_path, RECORDS), Settings(home=tmp_path / "home")
    assert (await import_file(settings, path, "langchain", user="ada")).new == 2
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert (await import_file(settings, path, "langchain", user="ada")).new == 0
    longer = write_file(tmp_path, [*RECORDS, RECORDS[0]])
    assert (await import_file(settings, longer, "langchain", user="ada")).new == 1
    async with open_store(settings) as store:
        owner = await user_key(store, "ada")
        assert len(await store.asearch(messages_of(owner, thread_id(owner, "holidays")))) == 3


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (3, "a number, not an object"),
        ({"role": "root", "content": "x"}, "'root'"),
        ({"content": "x"}, "missing"),
        ({"role": "user", "content": {"x": 1}}, "content is an object"),
        ({"role": "user", "content": "x", "time": "yesterday"}, "'yesterday'"),
    ],
)
def test_a_malformed_message_is_reported_with_its_place(
    tmp_path: Path, record: Any, reason: str
) -> None:
    transcript = read_langchain(write_file(tmp_path, [*RECORDS, record]), "ada")
    assert (len(transcript.messages), transcript.malformed) == (2, 1)
    assert transcript.faults[0].startswith("message 3: ")
    assert reason in transcript.faults[0]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(["role", "type", "data", "content", "id", "kwargs", "name", "time"]), JSON)
def test_any_value_is_imported_or_reported(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: Any
) -> None:
    path = write_file(tmp_path_factory.mktemp("talk"), [RECORDS[0] | {key: value}])
    transcript = read_langchain(path, "ada")
    assert all("\n" not in fault for fault in transcript.faults)


@pytest.mark.parametrize(
    ("text", "format_"),
    [
        ('{"user": "ada", "thread": "t", "role": "user", "text": "x", "time": "2024"}', "jsonl"),
        ('{"kind": "header", "schema": "threadkeep-export", "version": 1}\n', "export"),
        ('[{"sample_id": "conv-1", "conversation": {}}]', "locomo"),
        ('\ufeff [\n {"title": "x", "mapping": {}}]', "chatgpt"),
        ('{\n "messages": [\n  {"role": "user", "content": "x"}]}', "langchain"),
        ("nonsense", "jsonl"),
        ("", "jsonl"),
        ("[]", "langchain"),
    ],
)
def test_a_format_is_detected_from_the_beginning(tmp_path: Path, text: str, format_: str) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    assert detect_format(path) == format_


def test_a_damaged_zip_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "chat.zip"
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(BadInput, match="damaged ZIP archive"):
        detect_format(path)
