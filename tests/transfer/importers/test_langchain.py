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

SAID = [HumanMessage("I live in Bergen.", id="h1"), AIMessage("Lovely, by the sea!")]
PLAIN: list[dict[str, Any]] = [
    {"role": "user", "content": "I live in Bergen."},
    {"role": "assistant", "content": [{"type": "text", "text": "Lovely, by the sea!"}]},
]


def written(tmp_path: Path, value: Any) -> Path:
    path = tmp_path / "holidays.json"
    path.write_text(json.dumps(value))
    return path


@pytest.mark.parametrize(
    "told",
    [messages_to_dict(SAID), [dumpd(each) for each in SAID], PLAIN, {"messages": PLAIN}],
    ids=["messages_to_dict", "dumpd", "role and content", "under messages"],
)
def test_each_way_to_write_messages_is_read_and_recognised(tmp_path: Path, told: Any) -> None:
    path = written(tmp_path, told)
    assert detect_format(path) == "langchain"
    found = read_langchain(path, "ada")
    assert [(line.role, line.text) for line in found.messages] == [
        ("user", "I live in Bergen."),
        ("assistant", "Lovely, by the sea!"),
    ]
    assert {(line.user, line.thread) for line in found.messages} == {("ada", "holidays")}
    assert found.messages[0].time < found.messages[1].time
    assert read_langchain(path, "ada", "trip").messages[0].thread == "trip"


def test_calls_without_words_are_left_out_and_said_so(tmp_path: Path) -> None:
    call = AIMessage("", tool_calls=[{"name": "look", "args": {}, "id": "c"}])
    told = messages_to_dict([SAID[0], call, ToolMessage("Sunny.", tool_call_id="c")])
    found = read_langchain(written(tmp_path, told), "ada")
    assert [line.role for line in found.messages] == ["user", "tool"]
    assert found.notes == ["1 messages without words"]


def test_a_time_that_is_told_is_kept(tmp_path: Path) -> None:
    told = [PLAIN[0] | {"created_at": "2024-05-01T10:00:00+02:00"}, PLAIN[1] | {"timestamp": 1e9}]
    lines = read_langchain(written(tmp_path, told), "ada").messages
    assert [line.time.isoformat() for line in lines] == [
        "2024-05-01T08:00:00+00:00",
        "2001-09-09T01:46:40+00:00",
    ]
    assert all(line.has_time for line in lines)


async def test_a_copy_of_the_file_adds_nothing(tmp_path: Path) -> None:
    path, settings = written(tmp_path, PLAIN), Settings(home=tmp_path / "home")
    assert (await import_file(settings, path, "langchain", user="ada")).new == 2
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert (await import_file(settings, path, "langchain", user="ada")).new == 0
    longer = written(tmp_path, [*PLAIN, PLAIN[0]])
    assert (await import_file(settings, longer, "langchain", user="ada")).new == 1
    async with open_store(settings) as store:
        owner = await user_key(store, "ada")
        assert len(await store.asearch(messages_of(owner, thread_id(owner, "holidays")))) == 3


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (3, "a number, not an object"),
        ({"role": "root", "content": "x"}, "'root'"),
        ({"content": "x"}, "missing"),
        ({"role": "user", "content": {"x": 1}}, "content is an object"),
        ({"role": "user", "content": "x", "time": "yesterday"}, "'yesterday'"),
    ],
)
def test_what_is_no_message_is_named_with_its_place(tmp_path: Path, record: Any, why: str) -> None:
    found = read_langchain(written(tmp_path, [*PLAIN, record]), "ada")
    assert (len(found.messages), found.malformed) == (2, 1)
    assert found.faults[0].startswith("message 3: ")
    assert why in found.faults[0]


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
def test_any_value_in_any_place_is_taken_or_named(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: Any
) -> None:
    path = written(tmp_path_factory.mktemp("talk"), [PLAIN[0] | {key: value}])
    found = read_langchain(path, "ada")
    assert all("\n" not in each for each in found.faults)


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
def test_a_format_is_told_by_the_beginning(tmp_path: Path, text: str, format_: str) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    assert detect_format(path) == format_


def test_an_archive_is_to_be_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "chat.zip"
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(BadInput, match=r"unpack it and name conversations\.json"):
        detect_format(path)
