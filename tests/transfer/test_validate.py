"""An incomplete, changed or forged export is refused with one sentence, and nothing is stored."""

import asyncio
import io
import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threadkeep.base.errors import BadInput
from threadkeep.transfer.export_format import VERSION
from threadkeep.transfer.export_reader import validate_export
from threadkeep.transfer.export_records import parse_record

TIME = "2026-03-04T09:30:00+00:00"
THREAD = "1428e073-1a05-5878-be78-50b9a55bd8e4"
MESSAGE: dict[str, Any] = {
    "role": "user",
    "text": "I live in Bergen.",
    "position": 0,
    "time": TIME,
    "recorded_at": TIME,
    "before": "",
    "thread": THREAD,
    "tokens": 5,
}
HUMAN = {"type": "human", "data": {"content": "I live in Bergen.", "id": "m1"}}
FACT = {
    "subject": "user",
    "predicate": "lives in",
    "object": "Bergen",
    "valid_from": None,
    "valid_to": None,
    "recorded_at": TIME,
    "superseded_by": None,
    "sources": ["m1"],
    "text": "user lives in Bergen",
}
GOOD: list[dict[str, Any]] = [
    {
        "kind": "header",
        "schema": "threadkeep-export",
        "version": 1,
        "created": TIME,
        "user": "ada",
    },
    {"kind": "thread", "id": THREAD, "named": True, "value": {"name": "trip", "created": TIME}},
    {"kind": "message", "thread": THREAD, "id": "m1", "value": MESSAGE},
    {"kind": "note", "thread": THREAD, "id": "m1", "value": {"said_at": TIME, "facts": []}},
    {"kind": "state", "thread": THREAD, "value": {"messages": [HUMAN], "summary": "Ada."}},
    {"kind": "fact", "id": "f1", "value": FACT},
    {
        "kind": "correction",
        "id": "c1",
        "value": {
            "fact": "f1",
            "at": TIME,
            "subject": "user",
            "predicate": "lives in",
            "object": "Oslo",
            "valid_from": None,
        },
    },
    {
        "kind": "pin",
        "id": "pins",
        "value": {"pins": [{"place": ["messages", THREAD, "m1"], "at": TIME}]},
    },
    {"kind": "item", "namespace": ["mine"], "id": "i1", "value": {"text": "own"}},
]


def sealed(records: list[dict[str, Any]]) -> bytes:
    """Return an export of records with a valid end."""
    lines = "".join(json.dumps(record) + "\n" for record in records).encode()
    end = {"kind": "end", "records": len(records), "sha256": sha256(lines).hexdigest()}
    return lines + json.dumps(end).encode() + b"\n"


def refusal(data: bytes) -> str:
    with pytest.raises(BadInput) as caught:
        validate_export(io.BytesIO(data), "a.jsonl")
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert "'a.jsonl'" in sentence
    assert sentence.endswith("nothing of it was imported.")
    return sentence


def changed(place: int, **value: Any) -> bytes:
    records = json.loads(json.dumps(GOOD))
    records[place]["value"] |= value
    return sealed(records)


def test_a_valid_export_is_summarised() -> None:
    summary = validate_export(io.BytesIO(sealed(GOOD)), "a.jsonl")
    assert (summary.user, summary.messages, summary.records) == ("ada", 1, 8)
    assert summary.threads[THREAD].messages == ["m1"]


def test_line_ends_and_byte_order_mark_do_not_matter() -> None:
    whole = b"\xef\xbb\xbf" + sealed(GOOD).replace(b"\n", b"\r\n")
    assert validate_export(io.BytesIO(whole), "a.jsonl").records == 8


def test_an_incomplete_export_is_refused() -> None:
    whole = sealed(GOOD)
    for size in range(0, len(whole) - 1, 7):
        assert "is cut off at line" in refusal(whole[:size])


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_any_changed_byte_is_noticed(place: int, other: int) -> None:
    whole = bytearray(sealed(GOOD))
    place %= len(whole) - 1
    whole[place] ^= other
    if bytes(whole).split() != sealed(GOOD).split():
        with pytest.raises(BadInput):
            validate_export(io.BytesIO(bytes(whole)), "a.jsonl")


def test_a_changed_missing_added_or_moved_line_is_noticed() -> None:
    lines = sealed(GOOD).splitlines(keepends=True)
    assert "digest differs" in refusal(sealed(GOOD).replace(b"Bergen", b"Madrid"))
    assert "lines before it" in refusal(b"".join(lines[:5] + lines[6:]))
    assert "line 11: something follows" in refusal(b"".join([*lines, lines[5]]))
    assert "digest differs" in refusal(b"".join([*lines[:5], lines[6], lines[5], *lines[7:]]))


def test_an_export_of_a_newer_version_is_refused() -> None:
    newer = [GOOD[0] | {"version": VERSION + 1, "kept": "otherwise"}, {"kind": "dream"}, *GOOD[1:]]
    sentence = refusal(sealed(newer))
    assert f"line 1: It is an export of version {VERSION + 1}" in sentence
    assert "install a newer threadkeep" in sentence


ABANDONED = {"id": "m2", "after": "", "message": MESSAGE, "note": None}
HOSTILE: list[tuple[int, dict[str, Any], str]] = [
    (1, {"created": "yesterday"}, "line 2: value.created"),
    (1, {"turns": -1}, "value.turns"),
    (1, {"turns": 10**30}, "too large"),
    (1, {"ttl_minutes": 0}, "value.ttl_minutes"),
    (1, {"name": "n" * 201}, "value.name"),
    (2, {"role": "root"}, "line 3: value.role"),
    (2, {"text": None}, "value.text"),
    (2, {"text": "t" * 4_000_001}, "value.text"),
    (2, {"position": "0"}, "value.position"),
    (2, {"position": 1.5}, "value.position"),
    (2, {"time": "0000-99-99"}, "value.time"),
    (2, {"thread": "a.b"}, "value.thread"),
    (3, {"said_at": "then"}, "value.said_at"),
    (3, {"facts": [{"subject": "user"}]}, "value.facts.0.predicate"),
    (3, {"entities": [{"name": "Bo", "type": 3}]}, "value.entities.0.type"),
    (2, {"note": json.loads("[" * 100 + "]" * 100)}, "nested more than"),
    (4, {"messages": [{"type": "remove", "data": {"id": "m1"}}]}, "none of human, ai"),
    (4, {"messages": [{"type": "human", "data": {"content": 3, "id": "m"}}]}, "not allowed"),
    (4, {"messages": [{"type": "human", "data": {"content": "no id"}}]}, "no id"),
    (4, {"messages": ["human"]}, "value.messages"),
    (4, {"stored": "many"}, "value.stored"),
    (4, {"memories": []}, "value.memories"),
    (4, {"pins": [{"text": 1}]}, "value.pins"),
    (5, {"sources": "m1"}, "value.sources"),
    (5, {"recorded_at": 5}, "value.recorded_at"),
    (2, {"history": [{"text": "x", "until": "once"}]}, "value.history.0.until"),
    (1, {"corrected": {"m1": "once"}}, "value.corrected.m1"),
    (6, {"at": "once"}, "value.at"),
    (6, {"fact": ""}, "value.fact"),
    (7, {"pins": [{"place": ["messages", "a.b", "m1"], "at": TIME}]}, "value.pins.0.place"),
    (7, {"pins": [{"place": ["threads", "m1"], "at": TIME}]}, "value.pins.0.place"),
    (7, {"pins": [{"place": ["facts"], "at": TIME}]}, "value.pins.0.place"),
]


@pytest.mark.parametrize(("place", "value", "reason"), HOSTILE)
def test_an_invalid_value_is_reported_with_its_line(
    place: int, value: dict[str, Any], reason: str
) -> None:
    assert reason in refusal(changed(place, **value))


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"kind": "secret", "id": "s", "value": {}}, "no kind 'secret'"),
        ({"kind": ["fact"]}, "no kind"),
        ({"kind": "fact", "id": "f", "owner": "bob", "value": FACT}, "owner"),
        ({"kind": "item", "namespace": ["facts"], "id": "f", "value": {}}, "kind of its own"),
        ({"kind": "item", "namespace": ["open"], "id": "f", "value": {}}, "kind of its own"),
        ({"kind": "item", "namespace": ["a.b"], "id": "f", "value": {}}, "namespace.0"),
        ({"kind": "item", "namespace": [], "id": "f", "value": {}}, "namespace"),
        ({"kind": "item", "namespace": ["x"], "id": "f\0\n", "value": {}}, "id"),
        ({"kind": "message", "thread": "other", "id": "m", "value": MESSAGE}, "on no line before"),
        (
            {
                "kind": "abandoned",
                "thread": THREAD,
                "id": "v",
                "value": ABANDONED | {"message": {}},
            },
            "value.message.role",
        ),
        (
            {"kind": "abandoned", "thread": THREAD, "id": "v", "value": ABANDONED | {"note": {}}},
            "value.note.said_at",
        ),
        ({"kind": "thread", "id": "owner.of", "named": False, "value": {}}, "id"),
        ({"kind": "thread", "id": THREAD, "named": False, "value": {}}, "there twice"),
        ([], "a list, not an object"),
        (GOOD[0], "no kind 'header'"),
    ],
)
def test_a_record_of_an_unknown_kind_or_place_is_refused(record: Any, reason: str) -> None:
    assert reason in refusal(sealed([*GOOD, record]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.sampled_from(GOOD[1:]), st.sampled_from(["", *MESSAGE, *FACT, "messages"]), JSON)
def test_any_value_is_accepted_or_refused_with_one_sentence(
    record: dict[str, Any], key: str, value: Any
) -> None:
    line = record | {"value": record["value"] | {key: value} if key else value}
    sentence = ""
    try:
        parse_record(json.dumps(line).encode())
    except BadInput as error:
        sentence = str(error)
    assert "\n" not in sentence


async def test_a_refused_file_creates_no_data_folder(tmp_path: Any) -> None:
    from threadkeep.base.settings import Settings
    from threadkeep.cli.restore_file import restore_file

    path = tmp_path / "a.jsonl"
    path.write_bytes(sealed(GOOD)[:-5])
    settings = Settings(home=tmp_path / "home")
    with pytest.raises(BadInput):
        await asyncio.to_thread(restore_file, settings, path)
    assert not await asyncio.to_thread(settings.home.exists)
