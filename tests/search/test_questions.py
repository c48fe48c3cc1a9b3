"""A query is analysed into content words, word pairs, speakers and what it asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threadkeep.search.questions import (
    MAX_WORDS,
    ROLE_MARKER,
    analyse,
    has_proper_name,
    mentioned_speakers,
    speaker_of,
)
from threadkeep.search.words import stem, words_of

USER, ASSISTANT = f"{ROLE_MARKER}user", f"{ROLE_MARKER}assistant"


def test_a_question_keeps_its_content_words_in_order() -> None:
    assert analyse("Where does the parrot of my sister live?", ()).words == (
        "parrot",
        "sister",
        "live",
    )


def test_only_the_first_form_of_a_stem_is_a_word() -> None:
    question = analyse("Do bakers run bakeries near a bakery?", ())
    assert sorted(question.words) == ["bakeries", "bakers", "near", "run"]


def test_speakers_names_are_no_content_words() -> None:
    question = analyse("What did Caroline paint?", ["caroline", "melanie"])
    assert question.words == ("paint",)


def test_a_speakers_name_is_a_content_word_if_there_is_no_other() -> None:
    assert analyse("Who is Caroline?", ["caroline"]).words == ("caroline",)


def test_a_long_message_gives_its_first_words() -> None:
    words = [f"w{number}" for number in range(2 * MAX_WORDS)]
    assert analyse(" ".join(words), ()).words == tuple(words[:MAX_WORDS])


def test_pairs_are_stems_that_follow_each_other_but_for_stop_words() -> None:
    question = analyse("Who runs the bakeries in town?", ())
    assert question.pairs == {("run", stem("bakeries")), (stem("bakeries"), "town")}


def test_a_question_carries_what_it_asks_for() -> None:
    question = analyse("When in May 2023, and how many?", ())
    assert (question.asks_time, question.asks_quantity) == (True, True)
    assert question.dates.years == {2023}
    assert question.dates.months == {5}


def test_the_subject_is_the_speaker_mentioned_first() -> None:
    question = analyse("Did Melanie call Caroline?", ["caroline", "melanie", "tom"])
    assert question.subject == "melanie"
    assert question.speakers == {"caroline", "melanie"}


def test_a_question_without_speakers_has_no_subject() -> None:
    question = analyse("Who sings?", ["caroline"])
    assert (question.subject, question.speakers) == ("", frozenset())


def test_a_speaker_is_a_name_in_lower_case_or_a_marked_role() -> None:
    assert speaker_of({"name": "Caroline", "role": "user"}) == "caroline"
    assert speaker_of({"role": "user"}) == USER
    assert speaker_of({"name": "user"}) != speaker_of({"role": "user"})
    assert speaker_of({"name": "User", "role": "user"}) == USER


def test_pronouns_mention_the_user() -> None:
    speakers = [USER, ASSISTANT]
    for query in (
        "Can you tell me my code?",
        "Wo arbeite ich?",
        "¿Dónde está mi llave?",
        "我的房租",
    ):
        assert mentioned_speakers(words_of(query), speakers) == [USER]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("What did you recommend for the roof?", True),
        ("Which books have you suggested?", True),
        ("What was your advice?", True),
        ("Can you tell me my code?", False),
        ("Do you know where I live?", False),
    ],
)
def test_a_question_about_the_assistants_words_is_no_request(query: str, expected: bool) -> None:
    assert analyse(query, [USER, ASSISTANT]).asks_assistant is expected


def test_pronouns_mention_nobody_if_all_speakers_have_names() -> None:
    assert mentioned_speakers(words_of("Did you answer me?"), ["ann", "tom"]) == []


def test_a_name_of_two_words_is_mentioned_only_in_full() -> None:
    assert mentioned_speakers(words_of("What did Ann say?"), ["ann lee"]) == []
    assert mentioned_speakers(words_of("What did Ann Lee say?"), ["ann lee"]) == ["ann lee"]


def test_a_name_without_words_is_never_mentioned() -> None:
    assert mentioned_speakers(words_of("What? ..."), ["...", "?"]) == []


@given(st.permutations(["ann", "tom", USER, ASSISTANT]))
def test_the_order_of_speakers_does_not_matter(speakers: list[str]) -> None:
    words = words_of("Tom, did you tell Ann about my dog?")
    assert mentioned_speakers(words, speakers) == ["tom", "ann", USER]


@given(st.text(), st.lists(st.text(max_size=5), max_size=4))
def test_any_query_can_be_analysed(query: str, speakers: list[str]) -> None:
    question = analyse(query, speakers)
    assert set(question.words) <= set(words_of(query))
    assert bool(question.words) == bool(words_of(query))
    assert len({stem(word) for word in question.words}) == len(question.words) <= MAX_WORDS
    assert question.speakers <= set(speakers)
    assert not question.subject or question.subject in question.speakers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We flew to Lisbon.", True),
        ("We flew to Zürich.", True),
        ("Lisbon was warm.", False),
        ("It was warm. Then it rained.", False),
        ("Es war schön. Dann fiel Regen", True),
        ("Es war schön. Dann kam es", False),
        ("Then I slept and I'm fine.", False),
        ("Müde bin ich, I'm fine", False),
        ("", False),
    ],
)
def test_a_proper_name_is_a_capital_inside_a_sentence(text: str, expected: bool) -> None:
    assert has_proper_name(text) is expected
