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
def test_sanitised_text_can_be_stored_anywhere(text: str) -> None:
    sanitised = sanitise_text(text)
    assert "\0" not in sanitised
    assert sanitised.encode().decode() == sanitised
    assert sanitise_text(sanitised) == sanitised


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_valid_text_is_not_changed(text: str) -> None:
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
    "valid_id", ["ada", "a/b", "a.b", "a:b", "../x", "名前", "O'Neil", "a b", "%2e"]
)
def test_names_may_contain_any_printable_characters(valid_id: str) -> None:
    assert validate_id(valid_id, "user") == valid_id


@pytest.mark.parametrize(
    "invalid_id", ["", " ", " a", "a\n", "a\0b", "\ud800", "x" * 10_000, 7, None]
)
def test_an_invalid_name_is_one_short_sentence(invalid_id: object) -> None:
    with pytest.raises(BadInput) as refused:
        validate_id(invalid_id, "user")
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


def test_names_that_look_the_same_in_two_normal_forms_are_one() -> None:
    assert validate_id("e\u0301", "user") == validate_id("\u00e9", "user")
