import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.base.validation import MAX_MESSAGE_BYTES
from threadkeep.cli.import_file import import_file
from threadkeep.stores.hybrid import open_store
from threadkeep.stores.namespaces import all_messages_of, user_key
from threadkeep.transfer.importers.chatgpt import read_chatgpt
from threadkeep.transfer.importers.detect import detect_format
from threadkeep.transfer.importers.transcript import Transcript

AT = 1_714_550_400.25


def node(
    key: str, parent: str | None, role: str, *parts: Any, at: float | None = AT, **message: Any
) -> dict[str, Any]:
    said: dict[str, Any] = {
        "id": key,
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": at,
        "content": {"content_type": "text", "parts": list(parts)},
        "metadata": {},
        "recipient": "all",
    }
    return {"id": key, "message": said | message, "parent": parent, "children": []}


def conversation(*nodes: dict[str, Any], at: float = AT, **changed: Any) -> dict[str, Any]:
    mapping: dict[str, Any] = {
        "root": {"id": "root", "message": None, "parent": None, "children": []}
    }
    mapping |= {each["id"]: each for each in nodes}
    told = {"title": "A boat", "create_time": at, "mapping": mapping}
    return told | {"current_node": nodes[-1]["id"] if nodes else "root"} | changed


def read(tmp_path: Path, *conversations: Any) -> Transcript:
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps(conversations))
    return read_chatgpt(path, "ada")


def test_the_way_to_the_newest_message_is_taken_and_what_was_left_is_counted(
    tmp_path: Path,
) -> None:
    found = read(
        tmp_path,
        conversation(
            node("s", "root", "system", ""),
            node("u", "s", "user", "Name a boat."),
            node("a1", "u", "assistant", "Boaty."),
            node("a2", "u", "assistant", "Fram.", at=AT + 2),
        ),
    )
    assert [(line.role, line.text, line.source_id) for line in found.messages] == [
        ("user", "Name a boat.", "u"),
        ("assistant", "Fram.", "a2"),
    ]
    assert found.messages[0].time == datetime.fromtimestamp(AT, UTC)
    assert {line.thread for line in found.messages} == {"A boat"}
    assert "1 messages on branches that were left" in found.notes
    assert (found.malformed, len(found.notes)) == (0, 2)


def test_what_is_no_text_is_left_out_or_named(tmp_path: Path) -> None:
    photo = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://x"}
    spoken = {"content_type": "audio_transcription", "text": "What is this?"}
    found = read(
        tmp_path,
        conversation(
            node(
                "u",
                "root",
                "user",
                content={"content_type": "multimodal_text", "parts": [photo, spoken, None, 3]},
            ),
            node("c", "u", "assistant", "search()", recipient="browser"),
            node("t", "c", "tool", "results"),
            node("e", "t", "assistant", "", None),
            node("h", "e", "user", "me", metadata={"is_visually_hidden_from_conversation": True}),
            node("a", "h", "assistant", "A cat.", at=None),
        ),
    )
    assert [line.text for line in found.messages] == ["[shares an image]\nWhat is this?", "A cat."]
    assert found.messages[1].time >= found.messages[0].time
    assert sorted(found.notes) == [
        "1 messages without words",
        "3 messages of tools, instructions and hidden steps",
    ]


def test_conversations_of_one_title_are_told_apart_by_their_age(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        conversation(node("b", "root", "user", "later"), at=AT + 86_400),
        conversation(node("a", "root", "user", "first")),
        conversation(node("c", "root", "user", "untitled"), title=None, at=AT + 1),
    )
    assert [(line.thread, line.text) for line in found.messages] == [
        ("A boat", "first"),
        ("ChatGPT", "untitled"),
        ("A boat (2024-05-02)", "later"),
    ]


def test_a_message_too_long_for_one_becomes_several(tmp_path: Path) -> None:
    text = "\n".join(f"line {number} ø" for number in range(6_000))
    found = read(tmp_path, conversation(node("u", "root", "user", text)))
    assert len(found.messages) > 1
    assert "".join(line.text for line in found.messages) == text
    assert all(len(line.text.encode()) <= MAX_MESSAGE_BYTES for line in found.messages)
    times = [line.time for line in found.messages]
    assert times == sorted(set(times))


def test_where_the_file_does_not_say_what_is_newest_the_newest_end_is(tmp_path: Path) -> None:
    told = conversation(
        node("u", "root", "user", "Hi"),
        node("a", "u", "assistant", "old", at=AT + 1),
        node("b", "u", "assistant", "new", at=AT + 2),
        node("c", "u", "assistant", "older", at=AT),
        current_node="gone",
    )
    assert [line.text for line in read(tmp_path, told).messages] == ["Hi", "new"]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (3, "a number, not an object"),
        ({"title": "x"}, "mapping is missing"),
        (
            conversation(node("u", "a", "user", "Hi"), node("a", "u", "assistant", "Ho")),
            "comes before itself",
        ),
    ],
)
def test_a_conversation_that_is_none_is_named(tmp_path: Path, told: Any, why: str) -> None:
    found = read(tmp_path, conversation(node("u", "root", "user", "Hi")), told)
    assert len(found.messages) == found.malformed == 1
    assert found.faults[0].startswith("conversation 2: ")
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
KEYS = ["title", "create_time", "current_node", "mapping"]
OF_MESSAGE = ["id", "author", "create_time", "content", "metadata", "recipient"]


@given(st.sampled_from(KEYS), st.sampled_from(OF_MESSAGE), JSON, JSON)
def test_any_value_in_any_place_is_taken_left_out_or_named(
    tmp_path_factory: pytest.TempPathFactory, key: str, inner: str, value: Any, other: Any
) -> None:
    told = conversation(node("u", "root", "user", "Hi", **{inner: other}), **{key: value})
    found = read(tmp_path_factory.mktemp("talk"), told)
    assert len(found.messages) <= 1
    assert all("\n" not in each for each in found.faults)


async def test_several_hundred_go_in_once_and_are_found(tmp_path: Path) -> None:
    told = [
        conversation(
            node("u", "root", "user", f"My boat number {number} is called Fram{number}."),
            node("a", "u", "assistant", "Noted."),
            at=AT + number,
            title=f"Boat {number}",
        )
        for number in range(300)
    ]
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps(told))
    assert detect_format(path) == "chatgpt"
    settings = Settings(home=tmp_path / "home")
    for new in (600, 0):
        done = await import_file(settings, path, "chatgpt", user="ada")
        assert (done.messages, done.new, done.threads) == (600, new, 300)
    async with open_store(settings) as store:
        owner = await user_key(store, "ada")
        found = await store.asearch(all_messages_of(owner), query="What is boat 217 called?")
    assert "Fram217" in found[0].value["text"]
    with pytest.raises(BadInput, match="--user"):
        await import_file(settings, path, "chatgpt")
