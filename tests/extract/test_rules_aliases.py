"""Other names that a message states, in four languages, and what states none."""

import pytest

from threadkeep.extract.rules_aliases import aliases_in


@pytest.mark.parametrize(
    ("text", "name", "other"),
    [
        ("My sister Miriam, we call her Mimi, lives in Lisbon.", "Miriam", "Mimi"),
        ("My boss Robert Miller, everybody calls him Bob.", "Robert Miller", "Bob"),
        ("Bob is short for Robert.", "Robert", "Bob"),
        ("My uncle Bob (short for Robert) sails.", "Robert", "Bob"),
        ("Alexandra goes by Sasha.", "Alexandra", "Sasha"),
        ("Everyone calls me Jo.", "user", "Jo"),
        ("Meine Schwester Katharina, wir nennen sie Kathi, wohnt in Linz.", "Katharina", "Kathi"),
        ("Kathi ist die Kurzform von Katharina.", "Katharina", "Kathi"),
        ("Mi hermano Francisco, le decimos Paco.", "Francisco", "Paco"),
        ("Paco es el diminutivo de Francisco.", "Francisco", "Paco"),
        ("Ma sœur Élisabeth, on l'appelle Babette.", "Élisabeth", "Babette"),
        ("Mon surnom est Titou.", "user", "Titou"),
    ],
)
def test_another_name_is_stated(text: str, name: str, other: str) -> None:
    (fact,) = aliases_in(text, "user")
    assert (fact.subject, fact.predicate, fact.object) == (name, "is also called", other)


@pytest.mark.parametrize(
    "text",
    [
        "Is Bob short for Robert?",
        "Miriam, we call her every Sunday.",
        "My train is short for Tuesdays.",
        "> Miriam, we call her Mimi.",
        "Please call Miriam on Monday.",
        "I call her Monday.",
        "Miriam, they call it Monday madness.",
    ],
)
def test_no_other_name_is_stated(text: str) -> None:
    assert list(aliases_in(text, "user")) == []
