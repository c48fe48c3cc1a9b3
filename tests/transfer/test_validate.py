"""An export that was cut off, changed or made up is one sentence, and nothing of it goes in."""

import asyncio
import io
import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threadkeep.base.errors import BadInput
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
    """Write records down with the end that fits them."""
    lines = "".join(json.dumps(each) + "\n" for each in records).encode()
    end = {"kind": "end", "records": len(records), "sha256": sha256(lines).hexdigest()}
    return lines + json.dumps(end).encode() + b"\n"


def refusal(whole: bytes) -> str:
    with pytest.raises(BadInput) as caught:
        validate_export(io.BytesIO(whole), "a.jsonl")
    said = str(caught.value)
    assert "\n" not in said
    assert "'a.jsonl'" in said
    assert said.endswith("nothing of it was imported.")
    return said


def changed(place: int, **value: Any) -> bytes:
    records = json.loads(json.dumps(GOOD))
    records[place]["value"] |= value
    return sealed(records)


def test_a_good_one_is_surveyed() -> None:
    seen = validate_export(io.BytesIO(sealed(GOOD)), "a.jsonl")
    assert (seen.user, seen.messages, seen.records) == ("ada", 1, 8)
    assert seen.threads[THREAD].messages == ["m1"]


def test_another_programs_line_ends_and_mark_do_not_matter() -> None:
    whole = b"\xef\xbb\xbf" + sealed(GOOD).replace(b"\n", b"\r\n")
    assert validate_export(io.BytesIO(whole), "a.jsonl").records == 8


def test_cut_off_anywhere_is_said_so() -> None:
    whole = sealed(GOOD)
    for size in range(0, len(whole) - 1, 7):
        assert "is cut off at line" in refusal(whole[:size])


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_any_other_byte_is_noticed(place: int, other: int) -> None:
    whole = bytearray(sealed(GOOD))
    place %= len(whole) - 1
    whole[place] ^= other
    if bytes(whole).split() != sealed(GOOD).split():
        with pytest.raises(BadInput):
            validate_export(io.BytesIO(bytes(whole)), "a.jsonl")


def test_a_line_changed_taken_out_added_or_moved_is_noticed() -> None:
    lines = sealed(GOOD).splitlines(keepends=True)
    assert "digest differs" in refusal(sealed(GOOD).replace(b"Bergen", b"Madrid"))
    assert "lines before it" in refusal(b"".join(lines[:5] + lines[6:]))
    assert "line 11: something follows" in refusal(b"".join([*lines, lines[5]]))
    assert "digest differs" in refusal(b"".join([*lines[:5], lines[6], lines[5], *lines[7:]]))


def test_a_newer_one_asks_for_a_newer_program() -> None:
    newer = [GOOD[0] | {"version": 3, "kept": "otherwise"}, {"kind": "dream"}, *GOOD[1:]]
    said = refusal(sealed(newer))
    assert "line 1: It is an export of version 3" in said
    assert "install a newer threadkeep" in said


LEFT = {"id": "m2", "after": "", "message": MESSAGE, "note": None}
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


@pytest.mark.parametrize(("place", "value", "why"), HOSTILE)
def test_a_value_that_is_not_allowed_is_named_with_its_line(
    place: int, value: dict[str, Any], why: str
) -> None:
    assert why in refusal(changed(place, **value))


@pytest.mark.parametrize(
    ("record", "why"),
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
            {"kind": "abandoned", "thread": THREAD, "id": "v", "value": LEFT | {"message": {}}},
            "value.message.role",
        ),
        (
            {"kind": "abandoned", "thread": THREAD, "id": "v", "value": LEFT | {"note": {}}},
            "value.note.said_at",
        ),
        ({"kind": "thread", "id": "owner.of", "named": False, "value": {}}, "id"),
        ({"kind": "thread", "id": THREAD, "named": False, "value": {}}, "there twice"),
        ([], "a list, not an object"),
        (GOOD[0], "no kind 'header'"),
    ],
)
def test_a_line_of_another_kind_or_place_is_refused(record: Any, why: str) -> None:
    assert why in refusal(sealed([*GOOD, record]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.sampled_from(GOOD[1:]), st.sampled_from(["", *MESSAGE, *FACT, "messages"]), JSON)
def test_any_value_in_any_place_is_taken_or_one_sentence(
    record: dict[str, Any], key: str, value: Any
) -> None:
    line = record | {"value": record["value"] | {key: value} if key else value}
    said = ""
    try:
        parse_record(json.dumps(line).encode())
    except BadInput as error:
        said = str(error)
    assert "\n" not in said


async def test_a_file_that_is_refused_leaves_nothing_behind(tmp_path: Any) -> None:
    from threadkeep.base.settings import Settings
    from threadkeep.cli.restore_file import restore_file

    path = tmp_path / "a.jsonl"
    path.write_bytes(sealed(GOOD)[:-5])
    home = Settings(home=tmp_path / "home")
    with pytest.raises(BadInput):
        await asyncio.to_thread(restore_file, home, path)
    assert not await asyncio.to_thread(home.home.exists)
