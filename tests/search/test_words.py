"""Texts are split into the words that a search compares."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threadkeep.search.stop_words import STOP_WORDS, without_stop_words
from threadkeep.search.words import (
    MAX_BIGRAMS,
    MAX_TERMS,
    bigrams,
    content_words,
    stem,
    terms,
    words_of,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A parrot, in Lisbon!", ["a", "parrot", "in", "lisbon"]),
        ("don't re-read snake_case", ["don", "t", "re", "read", "snake_case"]),
        ("Züchtet Bienen à Orléans", ["zuchtet", "bienen", "a", "orleans"]),
        ("ＡＢＣ", ["abc"]),
        ("京都旅行", ["京都", "都旅", "旅行"]),
        ("猫", ["猫"]),
        ("iPhone手机", ["iphone", "手机"]),
        ("", []),
    ],
)
def test_a_text_is_split_folded_and_in_order(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_texts_give_the_same_words_as_the_general_way(text: str) -> None:
    assert words_of(text) == words_of(f"{text} ß")[:-1]


@given(st.text())
def test_no_word_is_empty(text: str) -> None:
    assert all(words_of(text))


def test_forms_of_an_english_word_have_one_stem() -> None:
    assert stem("bakeries") == stem("bakery") != stem("baker")


def test_a_word_that_is_not_ascii_is_its_own_stem() -> None:
    assert stem("münchens") == "münchens"


def test_stop_words_are_removed_and_repetitions_stay() -> None:
    assert without_stop_words(["the", "dog", "and", "dog"]) == ["dog", "dog"]


def test_words_that_are_all_stop_words_stay() -> None:
    assert without_stop_words(["who", "are", "you"]) == ["who", "are", "you"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Wann muss ich zum Zahnarzt?", ["zahnarzt"]),
        ("Wer hat die Orgel repariert?", ["orgel", "repariert"]),
        ("¿Dónde perdí mi pasaporte?", ["perdi", "pasaporte"]),
        ("Où est-ce que je travaille ?", ["travaille"]),
        ("我的房租是多少？", ["的房", "房租", "租是"]),
        ("猫は何を食べますか", ["猫は", "を食", "食べ"]),
        ("The son of the AI pioneer wore a hat and paid for his main fur.",
         ["son", "ai", "pioneer", "wore", "hat", "paid", "main", "fur"]),
    ],
)  # fmt: skip
def test_function_words_of_several_languages_say_nothing(text: str, words: list[str]) -> None:
    assert without_stop_words(words_of(text)) == words


def test_content_words_are_distinct_and_in_order() -> None:
    assert content_words(["where", "does", "tom", "see", "tom"]) == ["tom", "see"]


@given(st.lists(st.sampled_from([*sorted(STOP_WORDS)[:5], "parrot", "train"])))
def test_content_words_are_empty_only_for_no_words(words: list[str]) -> None:
    content = content_words(words)
    assert set(content) <= set(words)
    assert bool(content) == bool(words)


def test_a_long_message_gives_its_longest_words_as_terms() -> None:
    words = ["x" * length for length in range(1, 2 * MAX_TERMS + 1)]
    assert terms(" ".join(words)) == words[: MAX_TERMS - 1 : -1]


def test_terms_leave_out_scripts_without_spaces_that_bigrams_take() -> None:
    assert terms("Visit 京都旅行 soon") == ["visit", "soon"]
    assert bigrams("Visit 京都旅行 soon") == ["京都", "都旅", "旅行"]


def test_a_word_with_two_scripts_is_split_between_terms_and_bigrams() -> None:
    assert terms("iPhone手机") == ["iphone"]
    assert bigrams("iPhone手机") == ["手机"]


def test_bigrams_are_distinct_and_bounded() -> None:
    assert bigrams("ハハハハ") == ["ハハ"]
    long_run = "".join(map(chr, range(0x4E00, 0x4E00 + 2 * MAX_BIGRAMS)))
    assert bigrams(long_run) == [long_run[at : at + 2] for at in range(MAX_BIGRAMS)]
