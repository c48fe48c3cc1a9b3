from hypothesis import given
from hypothesis import strategies as st

from threadkeep.extract.literals import passages
from threadkeep.extract.sentences import sentences


def literals(text: str) -> set[str]:
    return {literal for passage in passages(text) for literal in passage.literals}


def test_each_kind_of_literal_is_recognised() -> None:
    assert "Ottoline Vance" in literals("My colleague Ottoline Vance called.")
    assert "4711-KX" in literals("The gate code is 4711-KX.")
    assert "€12,500.50" in literals("It costs €12,500.50, all told.")
    assert "3 June 2027" in literals("The lease ends on 3 June 2027.")
    assert "14:30" in literals("We meet at 14:30.")
    assert "~/docs/q3/report.pdf" in literals("It is in ~/docs/q3/report.pdf.")
    assert "C:\\keys\\old.txt" in literals("See C:\\keys\\old.txt for it.")
    assert "https://example.org/a?b=1" in literals("All is on https://example.org/a?b=1.")
    assert "ada@example.org" in literals("Write to ada@example.org.")
    assert '"keep the old lock"' in literals('She said "keep the old lock" to me.')
    assert "never deploy on a holiday." in literals("Well, never deploy on a holiday.")


def test_small_talk_has_no_passages() -> None:
    assert passages("In the end we sat there, and it was good.") == []
    assert passages("") == []


def test_a_passage_keeps_the_words_around_its_literal() -> None:
    (passage,) = passages("By the way, the gate code is 4711-KX for all of us.")
    assert passage.text == "the gate code is 4711-KX for all"


@given(st.text(max_size=300) | st.text("aA1 .,/\"'@-:n't", max_size=300))
def test_a_passage_is_an_unchanged_part_of_a_sentence(text: str) -> None:
    originals = sentences(text)
    for passage in passages(text):
        assert any(passage.text in sentence for sentence in originals)
        assert passage.literals
