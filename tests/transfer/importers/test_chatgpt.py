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
    message_fields: dict[str, Any] = {
        "id": key,
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": at,
        "content": {"content_type": "text", "parts": list(parts)},
        "metadata": {},
        "recipient": "all",
    }
    return {"id": key, "message": message_fields | message, "parent": parent, "children": []}


def conversation(*nodes: dict[str, Any], at: float = AT, **changed: Any) -> dict[str, Any]:
    mapping: dict[str, Any] = {
        "root": {"id": "root", "message": None, "parent": None, "children": []}
    }
    mapping |= {entry["id"]: entry for entry in nodes}
    record = {"title": "A boat", "create_time": at, "mapping": mapping}
    return record | {"current_node": nodes[-1]["id"] if nodes else "root"} | changed


def read(tmp_path: Path, *conversations: Any) -> Transcript:
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps(conversations))
    return read_chatgpt(path, "ada")


def test_the_current_branch_is_imported_and_other_branches_are_counted(
    tmp_path: Path,
) -> None:
    transcript = read(
        tmp_path,
        conversation(
            node("s", "root", "system", ""),
            node("u", "s", "user", "Name a boat."),
            node("a1", "u", "assistant", "Boaty."),
            node("a2", "u", "assistant", "Fram.", at=AT + 2),
        ),
    )
    assert [(message.role, message.text, message.source_id) for message in transcript.messages] == [
        ("user", "Name a boat.", "u"),
        ("assistant", "Fram.", "a2"),
    ]
    assert transcript.messages[0].time == datetime.fromtimestamp(AT, UTC)
    assert {message.thread for message in transcript.messages} == {"A boat"}
    assert "1 messages on branches that were left" in transcript.notes
    assert (transcript.malformed, len(transcript.notes)) == (0, 2)


def test_content_without_text_is_skipped_or_described(tmp_path: Path) -> None:
    photo = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://x"}
    spoken = {"content_type": "audio_transcription", "text": "What is this?"}
    transcript = read(
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
    assert [message.text for message in transcript.messages] == [
        "[shares an image]\nWhat is this?",
        "A cat.",
    ]
    assert transcript.messages[1].time >= transcript.messages[0].time
    assert sorted(transcript.notes) == [
        "1 messages without words",
        "3 messages of tools, instructions and hidden steps",
    ]


def test_conversations_with_the_same_title_get_a_date(tmp_path: Path) -> None:
    transcript = read(
        tmp_path,
        conversation(node("b", "root", "user", "later"), at=AT + 86_400),
        conversation(node("a", "root", "user", "first")),
        conversation(node("c", "root", "user", "untitled"), title=None, at=AT + 1),
    )
    assert [(message.thread, message.text) for message in transcript.messages] == [
        ("A boat", "first"),
        ("ChatGPT", "untitled"),
        ("A boat (2024-05-02)", "later"),
    ]


def test_a_long_message_is_split(tmp_path: Path) -> None:
    text = "\n".join(f"line {number} ø" for number in range(6_000))
    transcript = read(tmp_path, conversation(node("u", "root", "user", text)))
    assert len(transcript.messages) > 1
    assert "".join(message.text for message in transcript.messages) == text
    assert all(len(message.text.encode()) <= MAX_MESSAGE_BYTES for message in transcript.messages)
    times = [message.time for message in transcript.messages]
    assert times == sorted(set(times))


def test_without_a_current_node_the_newest_leaf_is_used(tmp_path: Path) -> None:
    record = conversation(
        node("u", "root", "user", "Hi"),
        node("a", "u", "assistant", "old", at=AT + 1),
        node("b", "u", "assistant", "new", at=AT + 2),
        node("c", "u", "assistant", "older", at=AT),
        current_node="gone",
    )
    assert [message.text for message in read(tmp_path, record).messages] == ["Hi", "new"]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (3, "a number, not an object"),
        ({"title": "x"}, "mapping is missing"),
        (
            conversation(node("u", "a", "user", "Hi"), node("a", "u", "assistant", "Ho")),
            "comes before itself",
        ),
    ],
)
def test_a_malformed_conversation_is_reported(tmp_path: Path, record: Any, reason: str) -> None:
    transcript = read(tmp_path, conversation(node("u", "root", "user", "Hi")), record)
    assert len(transcript.messages) == transcript.malformed == 1
    assert transcript.faults[0].startswith("conversation 2: ")
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
KEYS = ["title", "create_time", "current_node", "mapping"]
MESSAGE_KEYS = ["id", "author", "create_time", "content", "metadata", "recipient"]


@given(st.sampled_from(KEYS), st.sampled_from(MESSAGE_KEYS), JSON, JSON)
def test_any_value_is_imported_skipped_or_reported(
    tmp_path_factory: pytest.TempPathFactory, key: str, inner: str, value: Any, other: Any
) -> None:
    record = conversation(node("u", "root", "user", "Hi", **{inner: other}), **{key: value})
    transcript = read(tmp_path_factory.mktemp("talk"), record)
    assert len(transcript.messages) <= 1
    assert all("\n" not in fault for fault in transcript.faults)


async def test_hundreds_of_conversations_are_imported_once_and_searchable(tmp_path: Path) -> None:
    records = [
        conversation(
            node("u", "root", "user", f"My boat number {number} is called Fram{number}."),
            node("a", "u", "assistant", "Noted."),
            at=AT + number,
            title=f"Boat {number}",
        )
        for number in range(300)
    ]
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps(records))
    assert detect_format(path) == "chatgpt"
    settings = Settings(home=tmp_path / "home")
    for new in (600, 0):
        result = await import_file(settings, path, "chatgpt", user="ada")
        assert (result.messages, result.new, result.threads) == (600, new, 300)
    async with open_store(settings) as store:
        owner = await user_key(store, "ada")
        items = await store.asearch(all_messages_of(owner), query="What is boat 217 called?")
    assert "Fram217" in items[0].value["text"]
    with pytest.raises(BadInput, match="--user"):
        await import_file(settings, path, "chatgpt")
