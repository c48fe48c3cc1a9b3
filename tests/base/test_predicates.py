"""What predicates are declared, and a user's own file of them."""

from pathlib import Path

import pytest

from threadkeep import Settings, open_memory
from threadkeep.base.errors import BadInput
from threadkeep.base.predicates import (
    LANGUAGES,
    declared_table,
    predicate_table,
    read_predicates,
    use_predicates,
)
from threadkeep.extract.extraction import Fact
from threadkeep.extract.rules_words import RELATIONS
from threadkeep.knowledge.facts import with_implied

OWN = """
["plays for"]
cardinality = "one"
synonyms = ["spielt für", "is on the team of"]

["signed with"]
event = true
implies = "plays for"

["shirt number *"]
cardinality = "one"
per = "team"
synonyms.en = ["* shirt number"]
"""


def own_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("wording", "name"),
    [
        ("wohnt in", "lives in"),
        ("VIVE_EN", "lives in"),
        ("habite à", "lives in"),
        ("Schwester", "sister"),
        ("hermana", "sister"),
        ("sœur", "sister"),
        ("favorite colour", "favourite colour"),
        ("work phone number", "phone work"),
        ("diminutif de", "is short for"),
        ("is afraid of", "is afraid of"),
    ],
)
def test_a_wording_in_any_language_has_one_name(wording: str, name: str) -> None:
    assert declared_table().canonical(wording) == name


def test_wordings_are_declared_by_language_and_every_relation_has_a_family() -> None:
    table = declared_table()
    assert {*table.predicates["lives in"].wordings} == {*LANGUAGES}
    assert all(table.of(table.canonical(relation)).family for relation in RELATIONS)


def test_a_predicate_that_nobody_declared_has_many_objects_and_ends_nothing() -> None:
    unknown = declared_table().of("sparkles at")
    assert (unknown.single, unknown.ends, unknown.implies) == (False, (), "")


def test_a_relation_is_known_from_both_sides() -> None:
    facts = with_implied(Fact(subject="Petra", predicate="husband", object="Roland"))
    triples = {(fact.subject, fact.predicate, fact.object) for fact in facts}
    assert triples == {
        ("Petra", "husband", "Roland"),
        ("Roland", "married to", "Petra"),
        ("Petra", "married to", "Roland"),
    }
    (fact,) = with_implied(Fact(subject="Miriam", predicate="is the sister of", object="user"))
    assert (fact.subject, fact.predicate, fact.object) == ("user", "sister", "Miriam")


async def test_a_user_declares_predicates_for_one_memory_alone(tmp_path: Path) -> None:
    path = own_file(tmp_path, OWN)
    settings = Settings({"THREADKEEP_HOME": str(tmp_path), "THREADKEEP_PREDICATES": str(path)})
    assert settings.predicates == path
    plain = Settings({"THREADKEEP_HOME": str(tmp_path / "plain")})
    async with open_memory(plain, predicates=path) as memory:
        table = memory.opened.store.dependencies.predicates
        assert table.canonical("spielt für") == "plays for"
        assert table.canonical("club shirt number") == "shirt number club"
        assert table.canonical("wohnt in") == "lives in"
    assert predicate_table().canonical("spielt für") == "spielt für"
    with use_predicates(table):
        (event, state) = with_implied(Fact(subject="Ada", predicate="signed with", object="Brann"))
    assert (event.predicate, state.predicate) == ("signed with", "plays for")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('["plays for"\n', "no TOML: .*line 1"),
        ('["plays for"]\ncardinality = "two"', "plays for.cardinality 'two' is not allowed"),
        ('["plays for"]\ncolour = "red"', "there is no field plays for.colour; the fields are"),
        ('["plays for"]\nends = ["sits in"]', "plays for.ends names 'sits in'"),
        ('["plays for"]\nsynonyms.it = ["gioca per"]', "plays for.synonyms .*en, de, es, fr"),
        ('["shirt *"]', "'shirt \\*' needs a '\\*' in its name and a field 'per'"),
        ('[a]\nsynonyms = ["c"]\n[b]\nsynonyms = ["C"]', "'c' is a wording of 'a' and of 'b'"),
        ("name = 1", "name 1 is not allowed"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as error:
        read_predicates(own_file(tmp_path, text))
    assert "\n" not in str(error.value)
    assert str(tmp_path) in str(error.value)


async def test_a_memory_with_a_missing_file_does_not_open(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        async with open_memory(Settings(home=tmp_path), predicates=tmp_path / "none.toml"):
            pass
