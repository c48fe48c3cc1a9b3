from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from threadkeep.erase.multi_search import CHUNK, Needles, forms
from threadkeep.erase.search_strings import LEAST_WORD, evidence_of, pieces

TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=LEAST_WORD, max_size=60
)


@given(st.lists(TEXT, min_size=1, max_size=20), st.binary(max_size=200), st.data())
def test_a_string_is_found_however_it_is_written_and_wherever_it_stands(
    strings: list[str], around: bytes, data: st.DataObject
) -> None:
    needles = Needles(strings)
    number = data.draw(st.integers(0, len(needles.strings) - 1))
    form = data.draw(st.sampled_from(list(forms(needles.strings[number]))))
    if len(form) >= 4:
        assert number in needles.find(around + form + around)


@given(st.lists(TEXT, min_size=1, max_size=20), st.binary(max_size=2_000))
def test_what_is_not_there_is_not_found(strings: list[str], data: bytes) -> None:
    needles = Needles(strings)
    for number in needles.find(data):
        # A long string is known by its first bytes, which nothing but itself has.
        assert any(form[:32] in data for form in forms(needles.strings[number]))


def test_a_string_across_the_border_of_two_chunks_is_found(tmp_path: Path) -> None:
    for shift in (0, 1, 5, 19, 40):
        path = tmp_path / f"{shift}"
        path.write_bytes(b"x" * (CHUNK - shift) + b"the vault opens with tulip-4711" + b"y" * 99)
        assert Needles(["the vault opens with tulip-4711"]).find_in_file(path) == {0}


def test_words_between_two_pieces_are_none() -> None:
    assert Needles(["abcdefgh"]).find_in([b"abcd", b"efgh"]) == set()


@given(st.text(max_size=500))
def test_every_piece_stands_in_its_text(text: str) -> None:
    assert all(piece in text for piece in pieces(text))


def test_short_words_and_ids_are_no_evidence() -> None:
    assert evidence_of(["ok", "yes!"], ["a"], ["x"]) == set()
    found = evidence_of(["Ask Henrietta, she knows it better than anybody else in this house."])
    assert any("Henrietta" in each for each in found)
    assert any("house." in each for each in found)
