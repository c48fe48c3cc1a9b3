import pytest
from hypothesis import given
from hypothesis import strategies as st

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import (
    MAX_MESSAGE_BYTES,
    sanitise_text,
    validate_id,
    validate_message,
)


@given(st.text(st.characters(exclude_categories=())))
def test_cleaned_text_can_be_stored_anywhere(text: str) -> None:
    cleaned = sanitise_text(text)
    assert "\0" not in cleaned
    assert cleaned.encode().decode() == cleaned
    assert sanitise_text(cleaned) == cleaned


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_good_text_is_not_touched(text: str) -> None:
    assert sanitise_text(text) == text


def test_surrogate_pairs_become_the_character_they_stand_for() -> None:
    assert sanitise_text("\ud83d\ude00 \ud83d") == "😀 \ufffd"


@pytest.mark.parametrize("empty", ["", "   ", "\0", "\n\t"])
def test_an_empty_message_is_refused(empty: str) -> None:
    with pytest.raises(BadInput, match="empty"):
        validate_message(empty)


def test_a_message_over_the_limit_is_refused_with_the_limit() -> None:
    assert validate_message("a" * MAX_MESSAGE_BYTES)
    with pytest.raises(BadInput, match="32,000"):
        validate_message("ä" * (MAX_MESSAGE_BYTES // 2 + 1))


@pytest.mark.parametrize(
    "good", ["ada", "a/b", "a.b", "a:b", "../x", "名前", "O'Neil", "a b", "%2e"]
)
def test_names_may_hold_what_people_put_in_names(good: str) -> None:
    assert validate_id(good, "user") == good


@pytest.mark.parametrize("bad", ["", " ", " a", "a\n", "a\0b", "\ud800", "x" * 10_000, 7, None])
def test_a_bad_name_is_one_short_sentence(bad: object) -> None:
    with pytest.raises(BadInput) as refused:
        validate_id(bad, "user")
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


def test_names_that_look_the_same_in_two_normal_forms_are_one() -> None:
    assert validate_id("e\u0301", "user") == validate_id("\u00e9", "user")
