from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from threadkeep.erase.evidence import MIN_WORD, evidence_strings, pieces
from threadkeep.erase.string_matcher import CHUNK, PREFIX, StringMatcher, encoded_forms

TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=MIN_WORD, max_size=60
)
slow_machines_too = settings(suppress_health_check=[HealthCheck.too_slow])


@slow_machines_too
@given(st.lists(TEXT, min_size=1, max_size=20), st.binary(max_size=200), st.data())
def test_a_string_matches_in_every_encoding_and_at_every_place(
    strings: list[str], around: bytes, data: st.DataObject
) -> None:
    matcher = StringMatcher(strings)
    number = data.draw(st.integers(0, len(matcher.strings) - 1))
    form = data.draw(st.sampled_from(list(encoded_forms(matcher.strings[number]))))
    if len(form) >= 4:
        assert number in matcher.search(around + form + around)


@slow_machines_too
@given(st.lists(TEXT, min_size=1, max_size=20), st.binary(max_size=2_000))
def test_an_absent_string_does_not_match(strings: list[str], data: bytes) -> None:
    matcher = StringMatcher(strings)
    for number in matcher.search(data):
        # A long string is recognised by its first bytes.
        assert any(form[:PREFIX] in data for form in encoded_forms(matcher.strings[number]))


def test_overlapping_and_nested_strings_all_match() -> None:
    strings = ["the vault opens", "vault opens with", "vault", "opens with tulip-4711"]
    matches = StringMatcher(strings).search(b"the vault opens with tulip-4711")
    assert matches == {0, 1, 2, 3}


def test_a_string_across_two_chunks_matches(tmp_path: Path) -> None:
    for shift in (0, 1, 5, 19, 40):
        path = tmp_path / f"{shift}"
        content = b"x" * (CHUNK - shift) + b"the vault opens with tulip-4711" + b"y" * 99
        path.write_bytes(content)
        matcher = StringMatcher(["the vault opens with tulip-4711"])
        assert matcher.search_file(path) == {0}
        assert matcher.search(content) == {0}


def test_a_string_across_two_texts_does_not_match() -> None:
    assert StringMatcher(["abcdefgh"]).search_texts([b"abcd", b"efgh"]) == set()


def test_an_ignored_string_does_not_match() -> None:
    matcher = StringMatcher(["tulip-4711", "parrots"])
    matcher.ignore({0})
    assert matcher.count == 1
    assert matcher.search(b"parrots and tulip-4711") == {1}


@given(st.text(max_size=500))
def test_every_piece_is_a_part_of_its_text(text: str) -> None:
    assert all(piece in text for piece in pieces(text))


def test_short_words_and_ids_are_no_evidence() -> None:
    assert evidence_strings(["ok", "yes!"], ["a"], ["x"]) == set()
    text = "Ask Henrietta, she knows it better than anybody else in this house."
    strings = evidence_strings([text])
    assert any("Henrietta" in string for string in strings)
    assert any("house." in string for string in strings)
