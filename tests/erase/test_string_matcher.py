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
def test_a_string_is_found_in_every_encoding_and_at_every_place(
    strings: list[str], around: bytes, data: st.DataObject
) -> None:
    matcher = StringMatcher(strings)
    number = data.draw(st.integers(0, len(matcher.strings) - 1))
    form = data.draw(st.sampled_from(list(encoded_forms(matcher.strings[number]))))
    if len(form) >= 4:
        assert number in matcher.search(around + form + around)


@slow_machines_too
@given(st.lists(TEXT, min_size=1, max_size=20), st.binary(max_size=2_000))
def test_a_string_that_is_absent_is_not_found(strings: list[str], data: bytes) -> None:
    matcher = StringMatcher(strings)
    for number in matcher.search(data):
        # A long string is recognised by its first bytes.
        assert any(form[:PREFIX] in data for form in encoded_forms(matcher.strings[number]))


def test_strings_that_overlap_or_contain_each_other_are_all_found() -> None:
    strings = ["the vault opens", "vault opens with", "vault", "opens with tulip-4711"]
    found = StringMatcher(strings).search(b"the vault opens with tulip-4711")
    assert found == {0, 1, 2, 3}


def test_a_string_across_the_border_of_two_chunks_is_found(tmp_path: Path) -> None:
    for shift in (0, 1, 5, 19, 40):
        path = tmp_path / f"{shift}"
        content = b"x" * (CHUNK - shift) + b"the vault opens with tulip-4711" + b"y" * 99
        path.write_bytes(content)
        matcher = StringMatcher(["the vault opens with tulip-4711"])
        assert matcher.search_file(path) == {0}
        assert matcher.search(content) == {0}


def test_a_string_across_two_texts_is_not_found() -> None:
    assert StringMatcher(["abcdefgh"]).search_texts([b"abcd", b"efgh"]) == set()


def test_an_ignored_string_is_not_found() -> None:
    matcher = StringMatcher(["tulip-4711", "parrots"])
    matcher.ignore({0})
    assert matcher.count == 1
    assert matcher.search(b"parrots and tulip-4711") == {1}


@given(st.text(max_size=500))
def test_every_piece_is_a_part_of_its_text(text: str) -> None:
    assert all(piece in text for piece in pieces(text))


def test_short_words_and_ids_are_no_evidence() -> None:
    assert evidence_strings(["ok", "yes!"], ["a"], ["x"]) == set()
    found = evidence_strings(
        ["Ask Henrietta, she knows it better than anybody else in this house."]
    )
    assert any("Henrietta" in each for each in found)
    assert any("house." in each for each in found)
