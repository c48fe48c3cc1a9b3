"""A model's reply of any shape is read or dropped with a count, and never raises."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threadkeep.extract.reply_reader import read_extraction, read_reply
from threadkeep.extract.schema import MAX_CHARACTERS, MAX_RECORDS

REX = {"subject": "user", "predicate": "has pet", "object": "Rex"}
FACTS = json.dumps({"facts": [REX]})


def triples(reply: str) -> list[tuple[str, str, str]]:
    extraction = read_reply(reply)
    assert extraction is not None, reply
    return [(fact.subject, fact.predicate, fact.object) for fact in extraction.facts]


@pytest.mark.parametrize(
    "reply",
    [
        FACTS,
        f"Here you are:\n```json\n{FACTS}\n```\nAnything else?",
        f"<think>perhaps {{x}} or {FACTS.replace('Rex', 'Tom')}</think>\n{FACTS}",
        f"a draft that is not closed</Thinking>{FACTS}",
        json.dumps([REX]),
        json.dumps(REX),
        json.dumps(FACTS),
        json.dumps({"note_extraction": {"facts": [REX]}}),
        json.dumps({"facts": json.dumps([REX])}),
        json.dumps({"facts": REX}),
        json.dumps([{"entities": [], "facts": [REX]}]),
        json.dumps({"Facts": [{"Subject": "user", "Relation": "has pet", "Target": "Rex"}]}),
        json.dumps({"triples": [["user", "has pet", "Rex"]]}),
        json.dumps({"facts": [{**REX, "object": {"name": "Rex", "type": "dog"}}]}),
        json.dumps({"entities": ["Rex"], "facts": ["user has pet Rex."]}),
        "{'facts': [{'subject': 'user', 'predicate': 'has pet', 'object': 'Rex'},],}",
        '{facts: [{subject: "user", predicate: "has pet", object: "Rex"}]}',
        FACTS + '\n{"facts": []}',
        FACTS[:-2] + ', {"subject": "user", "predicate": "has pet", "object": "To',
    ],
)
def test_every_shape_of_a_fact_is_read(reply: str) -> None:
    assert triples(reply) == [("user", "has pet", "Rex")]


def test_a_list_of_objects_is_a_fact_for_each() -> None:
    reply = json.dumps({"facts": [{**REX, "object": ["Rex", {"name": "Tom"}, 3, True, None]}]})
    assert [object_ for _, _, object_ in triples(reply)] == ["Rex", "Tom", "3", "yes"]


def test_a_list_of_subjects_is_a_fact_for_each() -> None:
    reply = json.dumps({"facts": [{**REX, "subject": ["Ada", "Bob"]}]})
    assert [subject for subject, _, _ in triples(reply)] == ["Ada", "Bob"]


@pytest.mark.parametrize(
    ("value", "date"),
    [
        ("2026", "2026"),
        ("2026-03", "2026-03"),
        ("2026-03-04T09:30:00Z", "2026-03-04"),
        ("2026-03-04 09:30", "2026-03-04"),
        (2026, "2026"),
        ("2026-02-30", None),
        ("2026-W05-1", None),
        ("20260203", None),
        ("soon", None),
        (None, None),
    ],
)
def test_a_date_is_one_of_the_calendar_or_none(value: object, date: str | None) -> None:
    extraction = read_reply(json.dumps({"facts": [{**REX, "valid_from": value}]}))
    assert extraction is not None
    assert extraction.facts[0].valid_from == date


def test_characters_that_no_database_takes_are_removed() -> None:
    reply = FACTS.replace("Rex", "Re\\ud83dx \\u0000\\u001b[2J")
    assert triples(reply) == [("user", "has pet", "Rex [2J")]


def test_records_that_cannot_be_read_are_counted() -> None:
    facts = [REX, "no names in it", None, 3, {"subject": "user"}, {**REX, "object": []}]
    extraction = read_reply(json.dumps({"entities": [{"type": "dog"}, "Rex"], "facts": facts}))
    assert extraction is not None
    assert (len(extraction.facts), len(extraction.entities), extraction.dropped) == (1, 1, 6)


def test_more_records_than_a_message_can_say_are_counted() -> None:
    extraction = read_extraction({"facts": [REX] * (MAX_RECORDS + 7)})
    assert extraction is not None
    assert (len(extraction.facts), extraction.dropped) == (MAX_RECORDS, 7)


@pytest.mark.parametrize("reply", ["[]", "{}", '```json\n{"facts": [], "entities": []}\n```'])
def test_nothing_to_note_is_an_answer(reply: str) -> None:
    extraction = read_reply(reply)
    assert extraction is not None
    assert (extraction.facts, extraction.dropped) == ([], 0)


@pytest.mark.parametrize(
    "reply",
    [
        *["", "{", "null", "No facts.", '{"a": 1}', '{"a": [1, 2]}', '{"facts": 3', "[1, 2]"],
        *["{" * 5_000 + "}" * 5_000, "[" * 100_000, '{"a":' * 100_000],
    ],
)
def test_a_reply_without_an_extraction_gives_none(reply: str) -> None:
    assert read_reply(reply) is None


keys = st.sampled_from(["facts", "entities", "subject", "predicate", "object", "name", "type"])
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys | st.text(), inner),
    max_leaves=20,
)


@given(documents)
def test_any_json_is_read_without_an_error_and_within_bounds(document: object) -> None:
    for extraction in (read_reply(json.dumps(document)), read_extraction(document)):
        for fact in extraction.facts if extraction else ():
            for text in (fact.subject, fact.predicate, fact.object):
                assert 0 < len(text) <= MAX_CHARACTERS
                assert text.encode().decode() == text


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    read_reply(text)
    read_reply("{" + text + "}")
