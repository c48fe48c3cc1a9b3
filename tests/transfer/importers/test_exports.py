"""Exports of other programs, as files, archives and folders."""

import json
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threadkeep.base.errors import BadInput
from threadkeep.transfer.importers.detect import detect_format
from threadkeep.transfer.importers.gemini import html_text
from threadkeep.transfer.importers.inputs import Inputs, find_inputs
from threadkeep.transfer.importers.reader import read_conversations
from threadkeep.transfer.importers.transcript import Transcript

CLAUDE: dict[str, Any] = {
    "uuid": "c1",
    "name": "Garden",
    "created_at": "2026-01-05T10:00:00Z",
    "updated_at": "2026-01-05T10:05:00Z",
    "chat_messages": [
        {
            "uuid": "m1",
            "sender": "human",
            "text": "",
            "content": [{"type": "text", "text": "I grow tomatoes."}],
            "created_at": "2026-01-05T10:00:00Z",
            "attachments": [{"file_name": "plan.txt", "extracted_content": "Beds 1 to 4."}],
            "files": [{"file_name": "bed.png"}],
        },
        {
            "uuid": "m2",
            "sender": "assistant",
            "text": "Thinking aloud. Sun helps.",
            "content": [
                {"type": "thinking", "thinking": "Thinking aloud."},
                {"type": "tool_use", "name": "search", "input": {}},
                {"type": "text", "text": "Sun helps."},
            ],
            "created_at": "2026-01-05T10:00:05Z",
        },
        {"uuid": "m3", "sender": "human", "text": "Thanks.", "content": [], "created_at": None},
    ],
}
GEMINI: list[dict[str, Any]] = [
    {
        "header": "Gemini Apps",
        "title": "Prompted What grows in shade?",
        "titleUrl": "https://gemini.google.com/app/0123456789abcdef",
        "time": "2026-01-06T10:00:00.000Z",
        "products": ["Gemini Apps"],
        "safeHtmlItem": [{"html": "<p>Ferns &amp; hostas.</p><ul><li>Moss</li></ul>"}],
    },
    {
        "header": "Gemini Apps",
        "title": "Prompted I have a north balcony.",
        "titleUrl": "https://gemini.google.com/app/0123456789abcdef",
        "time": "2026-01-06T09:00:00.000Z",
        "products": ["Gemini Apps"],
    },
    {
        "header": "Gemini Apps",
        "title": "Used Gemini Apps",
        "titleUrl": "https://gemini.google.com",
        "time": "2026-01-06T08:00:00.000Z",
        "products": ["Gemini Apps"],
    },
    {
        "header": "Search",
        "title": "Searched for shoes",
        "titleUrl": "https://google.com",
        "time": "2026-01-06T08:00:00.000Z",
        "products": ["Search"],
    },
]
MEM0 = {
    "results": [
        {
            "id": "892db2ae-06d9-49e5-8b3e-585ef9b85b8e",
            "memory": "Dev works at TechCorp.",
            "hash": "1f8",
            "user_id": "dev",
            "created_at": "2025-02-03T04:05:06.123456-07:00",
            "updated_at": None,
        }
    ]
}
LETTA = {
    "agents": [
        {
            "id": "agent-0",
            "name": "Scout",
            "block_ids": ["block-0"],
            "messages": [
                {"role": "system", "content": [{"type": "text", "text": "You are Scout."}]},
                {
                    "role": "user",
                    "content": '{"type": "login", "last_login": "never"}',
                    "created_at": "2025-03-01T10:00:00Z",
                },
                {
                    "role": "user",
                    "content": '{"type": "user_message", "message": "I sail on Sundays."}',
                    "created_at": "2025-03-01T10:00:01Z",
                },
                {
                    "role": "assistant",
                    "content": [{"type": "text", "text": "The user sails. Reply kindly."}],
                    "tool_calls": [
                        {
                            "id": "c",
                            "function": {
                                "name": "send_message",
                                "arguments": '{"message": "Fair winds!"}',
                            },
                        }
                    ],
                    "created_at": "2025-03-01T10:00:02Z",
                },
            ],
        }
    ],
    "blocks": [{"id": "block-0", "label": "human", "value": "Her boat is called Fram."}],
}
ZEP = {
    "messages": [
        {
            "uuid": "z1",
            "role": "Ada",
            "role_type": "user",
            "content": "I moved to Oslo.",
            "created_at": "2025-04-01T10:00:00Z",
        },
        {"uuid": "z2", "role": "assistant", "role_type": "assistant", "content": "Welcome."},
    ],
    "row_count": 2,
}
OPENAI = {
    "messages": [
        {"role": "developer", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            ],
        },
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "function": {}}]},
        {"role": "tool", "tool_call_id": "c", "content": "A cat."},
        {"role": "assistant", "content": [{"type": "output_text", "text": "It is a cat."}]},
    ]
}


def write(folder: Path, name: str, value: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def read(path: Path, **options: Any) -> Transcript:
    return read_conversations(path, detect_format(path), user_id="ada", **options)


def pairs(transcript: Transcript) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in transcript.messages]


def test_an_export_of_claude_is_read_without_its_thinking(tmp_path: Path) -> None:
    path = write(tmp_path, "conversations.json", [CLAUDE, {**CLAUDE, "chat_messages": []}])
    assert detect_format(path) == "claude"
    transcript = read(path)
    assert pairs(transcript) == [
        (
            "user",
            "I grow tomatoes.\n[shares a file: plan.txt]\nBeds 1 to 4.\n[shares a file: bed.png]",
        ),
        ("assistant", "Sun helps."),
        ("user", "Thanks."),
    ]
    assert {message.thread for message in transcript.messages} == {"Garden"}
    times = [message.time.isoformat() for message in transcript.messages]
    assert times[0] == "2026-01-05T10:00:00+00:00"
    assert times == sorted(times)


def test_of_an_edited_conversation_of_claude_the_newest_branch_is_read(tmp_path: Path) -> None:
    first, second, _ = CLAUDE["chat_messages"]
    root = {"parent_message_uuid": "00000000-0000-4000-8000-000000000000"}
    edited = {**first, "uuid": "m9", "created_at": "2026-01-05T11:00:00Z", "attachments": []}
    edited |= {"content": [{"type": "text", "text": "I grow beans."}], "files": []} | root
    messages = [first | root, second | {"parent_message_uuid": "m1"}, edited]
    path = write(tmp_path, "c.json", [{**CLAUDE, "chat_messages": messages}])
    assert pairs(read(path)) == [("user", "I grow beans.")]


def test_prompts_of_gemini_are_read_by_conversation_and_in_order(tmp_path: Path) -> None:
    path = write(tmp_path, "MyActivity.json", GEMINI)
    assert detect_format(path) == "gemini"
    transcript = read(path)
    assert pairs(transcript) == [
        ("user", "I have a north balcony."),
        ("user", "What grows in shade?"),
        ("assistant", "Ferns & hostas.\nMoss"),
    ]
    assert {message.thread for message in transcript.messages} == {"Gemini 0123456789abcdef"}
    assert transcript.notes == ["2 activities that are no prompts"]


def test_requests_of_gemini_may_stand_in_the_details(tmp_path: Path) -> None:
    activity = {
        "header": "Gemini",
        "title": "Used Gemini Apps",
        "titleUrl": "https://gemini.google.com/app/c/0123456789abcdef",
        "time": "2026-01-06T09:00:00.000Z",
        "products": ["Gemini Apps"],
        "details": [
            {"name": "Request", "value": "What grows in shade?"},
            {"name": "Response", "value": "Ferns."},
            {"name": "Rating"},
            None,
        ],
    }
    path = write(tmp_path, "MyActivity.json", [activity])
    transcript = read(path)
    assert pairs(transcript) == [("user", "What grows in shade?"), ("assistant", "Ferns.")]
    assert transcript.messages[0].thread == "Gemini 0123456789abcdef"


@pytest.mark.parametrize("place", ["file", "folder", "archive"])
def test_a_page_for_people_is_refused_with_what_to_do(tmp_path: Path, place: str) -> None:
    page = write(tmp_path, "MyActivity.html", "<html><head><title>My Activity History</title>")
    path = {"file": page, "folder": tmp_path, "archive": tmp_path / "takeout.zip"}[place]
    if place == "archive":
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(page, "Takeout/My Activity/Gemini Apps/MyActivity.html")
    with ExitStack() as stack:
        inputs = find_inputs([path], None, stack)
    (sentence,) = inputs.faults
    assert "MyActivity.html" in sentence
    assert "Multiple formats, JSON" in sentence


@given(st.text())
def test_any_html_gives_text(html: str) -> None:
    assert "<p>" not in html_text(f"<p>{html.replace('<', ' ')}</p>")


def test_memories_of_mem0_are_read_for_their_user(tmp_path: Path) -> None:
    path = write(tmp_path, "memories.json", MEM0)
    assert detect_format(path) == "mem0"
    message = read_conversations(path, "mem0").messages[0]
    assert (message.user, message.thread, message.text) == ("dev", "mem0", "Dev works at TechCorp.")
    assert (message.time.isoformat()[:19], message.utc_offset) == ("2025-02-03T11:05:06", -420)


def test_an_agent_file_of_letta_is_read_with_its_memory(tmp_path: Path) -> None:
    path = write(tmp_path, "scout.af", json.dumps(LETTA, indent=2))
    assert detect_format(path) == "letta"
    transcript = read(path)
    assert pairs(transcript) == [
        ("system", "You are Scout."),
        ("user", "I sail on Sundays."),
        ("assistant", "Fair winds!"),
        ("system", "human: Her boat is called Fram."),
    ]
    assert [m.thread for m in transcript.messages][-2:] == ["Scout", "Scout memory"]


def test_messages_of_zep_have_the_role_of_their_role_type(tmp_path: Path) -> None:
    path = write(tmp_path, "session.json", json.dumps(ZEP, indent=1))
    transcript = read(path)
    assert pairs(transcript) == [("user", "I moved to Oslo."), ("assistant", "Welcome.")]
    assert [message.name for message in transcript.messages] == ["Ada", None]


@pytest.mark.parametrize("indent", [None, 2])
def test_messages_of_openai_are_read_with_parts_and_tools(
    tmp_path: Path, indent: int | None
) -> None:
    path = write(tmp_path, "chat.json", json.dumps(OPENAI, indent=indent))
    assert pairs(read(path)) == [
        ("system", "Be brief."),
        ("user", "What is this?\n[shares an image]"),
        ("tool", "A cat."),
        ("assistant", "It is a cat."),
    ]


def test_json_lines_hold_a_conversation_or_a_message_each(tmp_path: Path) -> None:
    line = json.dumps(OPENAI)
    several = write(tmp_path, "train.jsonl", f"{line}\n\n{line}\n")
    assert len({message.thread for message in read(several).messages}) == 2
    messages = "".join(json.dumps(message) + "\n" for message in OPENAI["messages"][:2])
    one = write(tmp_path, "one.jsonl", messages)
    assert [role for role, _ in pairs(read(one))] == ["system", "user"]
    assert {message.thread for message in read(one).messages} == {"one"}


def test_a_damaged_line_is_reported_with_its_number(tmp_path: Path) -> None:
    path = write(tmp_path, "bad.jsonl", json.dumps(OPENAI) + "\n{broken\n")
    with pytest.raises(BadInput, match="line 2: It is not JSON"):
        read(path)
    assert len(read(path, skip_malformed=True).messages) == 4


def test_an_unreadable_time_of_a_conversation_is_reported_with_its_place(tmp_path: Path) -> None:
    messages = [dict(CLAUDE["chat_messages"][0], created_at="soon"), CLAUDE["chat_messages"][1]]
    path = write(tmp_path, "c.json", [{**CLAUDE, "chat_messages": messages}])
    with pytest.raises(BadInput, match="conversation 1, message 1: The time 'soon'"):
        read(path)


def inputs_of(*paths: Path) -> Inputs:
    with ExitStack() as stack:
        inputs = find_inputs(list(paths), None, stack)
        for file in inputs.files:
            read_conversations(file.path, file.format, user_id="ada", may_be_empty=file.is_part)
        return inputs


def archive(path: Path, members: dict[str, Any]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, value in members.items():
            file.writestr(name, value if isinstance(value, str) else json.dumps(value))
    return path


MEMBERS = {
    "export/conversations-000.json": [CLAUDE],
    "export/conversations-001.json": [],
    "export/users.json": [{"uuid": "a", "full_name": "Ada"}],
    "export/chat.html": "<html></html>",
    "export/._conversations-000.json": "\0\0",
    "__MACOSX/export/._conversations-000.json": "\0\0",
    "export/image.png": "PNG",
}


def test_the_conversations_of_an_archive_are_read_and_the_rest_is_counted(tmp_path: Path) -> None:
    inputs = inputs_of(archive(tmp_path / "export.zip", MEMBERS))
    assert [str(file.path).rpartition("/")[2] for file in inputs.files] == [
        "conversations-000.json",
        "conversations-001.json",
    ]
    assert (len(inputs.notes), inputs.faults) == (1, [])


def test_a_folder_is_read_like_an_archive(tmp_path: Path) -> None:
    for name, value in MEMBERS.items():
        write(tmp_path / "folder", name, value)
    archive(tmp_path / "folder" / "more.zip", {"conversations.json": [CLAUDE]})
    assert len(inputs_of(tmp_path / "folder").files) == 3


def test_names_in_an_archive_are_never_paths(tmp_path: Path) -> None:
    path = archive(tmp_path / "e.zip", {"../../conversations.json": [CLAUDE]})
    inputs_of(path)
    assert not (tmp_path.parent.parent / "conversations.json").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["e.zip"]


def test_an_archive_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "threadkeep.transfer.importers.inputs.MAX_ARCHIVE_BYTES"
    monkeypatch.setattr(module, 100_000)
    path = archive(tmp_path / "bomb.zip", {"conversations.json": " " * 1_000_000})
    assert "unpacks to more than 100,000 bytes" in inputs_of(path).faults[0]


def test_a_damaged_archive_and_one_without_conversations_are_set_aside(tmp_path: Path) -> None:
    path = archive(tmp_path / "e.zip", {"conversations.json": [CLAUDE]})
    raw = bytearray(path.read_bytes())
    raw[40:60] = bytes(20)
    path.write_bytes(bytes(raw))
    other = archive(tmp_path / "pictures.zip", {"a.png": "PNG"})
    cut = tmp_path / "cut.zip"
    cut.write_bytes(b"PK\x03\x04" + bytes(50))
    with ExitStack() as stack:
        inputs = find_inputs([path, other, cut], None, stack)
        faults = list(inputs.faults)
        for file in inputs.files:
            with pytest.raises(BadInput):
                read_conversations(file.path, file.format, user_id="ada")
    assert any("holds no conversations" in fault for fault in faults)
    assert any("damaged ZIP archive" in fault for fault in faults)
