import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threadkeep.extract.extraction import Extraction
from threadkeep.extract.rules import MAX_FACTS, extract

WRITTEN_AT = datetime(2026, 3, 20, 9, 30, tzinfo=UTC)


def facts_of(text: str, speaker: str = "user") -> set[tuple[str, str, str]]:
    facts = extract(text, speaker=speaker, written_at=WRITTEN_AT).facts
    return {(fact.subject, fact.predicate, fact.object) for fact in facts}


def entity_types(text: str) -> dict[str, str]:
    return {entity.name: entity.type for entity in extract(text, written_at=WRITTEN_AT).entities}


def since(text: str) -> str | None:
    (fact,) = extract(text, written_at=WRITTEN_AT).facts
    return fact.valid_from


def test_one_sentence_gives_a_relation_and_facts_about_the_relative() -> None:
    extraction = extract(
        "My sister Miriam moved to Lisbon in March and keeps two parrots.", written_at=WRITTEN_AT
    )
    assert [fact.sentence for fact in extraction.facts] == [
        "user's sister is Miriam",
        "Miriam moved to Lisbon (2026-03)",
        "Miriam keeps two parrots",
    ]
    assert {entity.name: entity.type for entity in extraction.entities} == {
        "Miriam": "person",
        "Lisbon": "place",
    }
    assert extraction.entities[0].attributes == {"is": "user's sister"}


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("my sister, Miriam, works at Acme Corp", ("Miriam", "works at", "Acme Corp")),
        ("I had lunch with my friend Tom Baker.", ("user", "friend", "Tom Baker")),
        ("Miriam is my sister.", ("user", "sister", "Miriam")),
        ("My mum is called Ruth.", ("user", "mother", "Ruth")),
        ("My best friend's name is Zoltán Kovács.", ("user", "friend", "Zoltán Kovács")),
        ("My kids are Ben and Zoë.", ("user", "child", "Zoë")),
        ("Anna, my best friend, lives in Paris.", ("Anna", "lives in", "Paris")),
        ("My sister lives in New York City.", ("user's sister", "lives in", "New York City")),
        ("My manager is Priya Natarajan.", ("user", "manager", "Priya Natarajan")),
        ("We have a son, Noah, and a daughter named Emma.", ("user", "daughter", "Emma")),
        ("We adopted a puppy called Biscuit.", ("user", "dog", "Biscuit")),
        ("I met Tom Baker yesterday.", ("user", "met", "Tom Baker")),
        ("Please remember that I am allergic to nuts.", ("user", "is allergic to", "nuts")),
        ("My dog Rex likes carrots.", ("user", "dog", "Rex")),
        ("My dog is called Rex.", ("user", "dog", "Rex")),
        ("I have two cats.", ("user", "has", "two cats")),
        ("My name is Ada Lovelace and I'm new here.", ("user", "is named", "Ada Lovelace")),
        ("Call me Ada.", ("user", "is named", "Ada")),
        ("Hi, I live in Bergen.", ("user", "lives in", "Bergen")),
        ("I’ve lived in Oslo since 2019.", ("user", "lives in", "Oslo")),
        ("I was born in Kraków.", ("user", "was born in", "Kraków")),
        ("I just moved to Oslo, and it is cold.", ("user", "moved to", "Oslo")),
        ("I am from the Netherlands.", ("user", "is from", "the Netherlands")),
        ("I work at Initech.", ("user", "works at", "Initech")),
        ("I'm a nurse at St Mary's Hospital.", ("user", "works as", "nurse")),
        ("I'm a nurse at St Mary's Hospital.", ("user", "works at", "St Mary's Hospital")),
        ("I like tea and coffee, but hate olives.", ("user", "likes", "tea and coffee")),
        ("I like tea and coffee, but hate olives.", ("user", "hates", "olives")),
        ("I'm allergic to peanuts.", ("user", "is allergic to", "peanuts")),
        ("My favorite colour is green.", ("user", "favourite colour", "green")),
        ("My birthday is 3 May.", ("user", "birthday", "3 May")),
        ("Miriam's birthday is on 12 June.", ("Miriam", "birthday", "12 June")),
        ("I am 34 years old.", ("user", "age", "34")),
        ("I speak Dutch and English.", ("user", "speaks", "Dutch and English")),
        ("I don't like olives.", ("user", "dislikes", "olives")),
    ],
)
def test_facts_about_the_speaker_and_their_people_are_extracted(
    text: str, fact: tuple[str, str, str]
) -> None:
    assert fact in facts_of(text)


def test_a_sentence_that_begins_like_a_question_can_state_a_fact() -> None:
    assert ("user", "bought", "a bike") not in facts_of("When did I buy a bike.")
    assert facts_of("When I came here I was tired, and I live in Oslo.")


def test_she_is_the_last_person_with_a_name() -> None:
    facts = facts_of("My sister Miriam is a nurse. She lives in Lisbon.")
    assert ("Miriam", "lives in", "Lisbon") in facts


def test_another_speaker_is_the_subject_of_their_own_message() -> None:
    assert facts_of("I live in Boston.", "Caroline") == {("Caroline", "lives in", "Boston")}
    assert ("Caroline", "sister", "Ann") in facts_of("My sister Ann paints.", "Caroline")


@pytest.mark.parametrize(
    "text",
    [
        "Where do I live?",
        "Did I tell you that my sister moved to Lisbon?",
        "I live in Bergen, right?",
        "I never moved to Oslo.",
        "I have not moved to Oslo.",
        "I want to move to Rome.",
        "I might have moved to Rome.",
        "If I lived in Rome, I would be happy.",
        "I wish I lived in Rome.",
        'Tom said: "I live in Oslo."',
        "> I live in Oslo.",
        "The cat lives in London.",
        "Yesterday works at Google.",
        "Everyone loves Fridays. Nobody lives in Atlantis.",
        "Thanks! Hi there. Good morning.",
        "I love it. I like how you did that. I love that movie.",
        "I have a question. I have a lot of work. I have a headache.",
        "It rained all day. The meeting moved to Tuesday.",
        "My boss is Catholic. My sister is Norwegian.",
        "Python has two modes. London has two airports.",
    ],
)
def test_questions_denials_wishes_quotations_and_small_talk_state_no_facts(text: str) -> None:
    assert facts_of(text) == set()


@pytest.mark.parametrize("word", ["The", "Yesterday", "Hi", "Thanks", "Monday", "March", "Great"])
def test_a_capital_at_the_start_makes_no_word_a_person(word: str) -> None:
    assert entity_types(f"{word} moved to Lisbon and keeps two parrots.").get(word) is None


def test_names_are_recognised_in_any_script_with_capitals() -> None:
    assert entity_types("My wife Žofie moved to Kyjiv.") == {"Žofie": "person", "Kyjiv": "place"}
    assert entity_types("My friend Αθηνά lives in Πάτρα.") == {"Αθηνά": "person", "Πάτρα": "place"}
    assert "Ní Ōta-O'Neil" in entity_types("My friend Ní Ōta-O'Neil called.")


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("I moved to Oslo in March.", "2026-03"),
        ("I moved to Oslo in April.", "2025-04"),
        ("I moved to Oslo last week.", "2026-03-09"),
        ("I moved to Oslo last month.", "2026-02"),
        ("I moved to Oslo yesterday.", "2026-03-19"),
        ("Yesterday I moved to Oslo.", "2026-03-19"),
        ("Last year, I moved to Oslo.", "2025"),
        ("I moved to Oslo on 2024-02-29.", "2024-02-29"),
        ("I moved to Oslo on 3 May 2020.", "2020-05-03"),
        ("I moved to Oslo on May 3rd, 2020.", "2020-05-03"),
        ("I moved to Oslo two years ago.", "2024"),
        ("I moved to Oslo on Monday.", "2026-03-16"),
        ("I have lived in Oslo since 2019.", "2019"),
        ("I'm moving to Oslo in June.", "2026-06"),
        ("I'm moving to Oslo in January.", "2027-01"),
        ("I moved to Oslo on 2023-02-31.", None),
        ("I moved to Oslo.", None),
    ],
)
def test_a_date_is_read_from_where_it_was_facts_of(text: str, date: str | None) -> None:
    assert since(text) == date


@given(st.text(max_size=400), st.datetimes(timezones=st.just(UTC)))
def test_no_text_raises(text: str, moment: datetime) -> None:
    assert isinstance(extract(text, written_at=moment), Extraction)


PIECES = (
    "I my our sister Miriam Lisbon moved to lives in is 's , and . but not in March 3 May last \
week ago years has two parrots at Initech \" ' n't a the of She call me favourite if since".split()
)


@given(st.lists(st.sampled_from(PIECES), max_size=60), st.datetimes(timezones=st.just(UTC)))
def test_no_order_of_known_words_raises(pieces: list[str], moment: datetime) -> None:
    extraction = extract(" ".join(pieces), written_at=moment)
    assert all(fact.object and fact.subject and fact.sentence for fact in extraction.facts)


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "a",
            "A ",
            "my ",
            "my sister ",
            "I like a and ",
            "'s ",
            '"',
            "a-",
            "a.",
            "Dr. ",
            ".",
            "(",
        ),
        *(
            "in March ",
            "of the ",
            "is my ",
            "my sisters A, ",
            "\n",
            "? ",
            "漢",
            "\ud800",
            "3 ",
            "  ",
        ),
        *("what a ", "so, and ", "I live in A, and I live in B, and ", "I have have ", "last "),
        "My sister Miriam moved to Lisbon. ",
    ],
)
def test_the_largest_message_takes_less_than_a_second(piece: str) -> None:
    text = (piece * 32_000)[:32_000]
    started = time.process_time()
    extraction = extract(text, written_at=WRITTEN_AT)
    assert time.process_time() - started < 0.7
    assert len(extraction.facts) <= MAX_FACTS


def claims_of(text: str) -> list[tuple[str, str, str | None, str | None, bool, str]]:
    """Return predicate, object, dates, negation and status of what the rules extract."""
    facts = extract(text, written_at=datetime(2026, 3, 4, tzinfo=UTC)).facts
    return [(f.predicate, f.object, f.valid_from, f.valid_to, f.negated, f.status) for f in facts]


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("I no longer live in Bergen.", ("lives in", "Bergen", None, None, True, "asserted")),
        (
            "I don't work at Initech any more.",
            ("works at", "Initech", None, None, True, "asserted"),
        ),
        ("I used to live in Rome.", ("lives in", "Rome", None, "2026-03-04", False, "asserted")),
        (
            "From 2010 to 2014 I worked at Pinewood Mills.",
            ("works at", "Pinewood Mills", "2010", "2015", False, "asserted"),
        ),
        ("In 2012 I lived in Kiel.", ("lives in", "Kiel", "2012", "2013", False, "asserted")),
        (
            "I moved to Lima in 2011 and stayed for two years.",
            ("moved to", "Lima", "2011", "2013", False, "asserted"),
        ),
        (
            "I'm moving to Dresden at the beginning of July.",
            ("moved to", "Dresden", "2026-07", None, False, "planned"),
        ),
        (
            "I started a new job at Kestrel Logistics today.",
            ("started at", "Kestrel Logistics", "2026-03-04", None, False, "asserted"),
        ),
        (
            "The flood happened yesterday, I live in Riverton.",
            ("lives in", "Riverton", None, None, False, "asserted"),
        ),
        ("Last year, I moved to Oslo.", ("moved to", "Oslo", "2025", None, False, "asserted")),
        ("Ich bin nach Kassel gezogen.", ("moved to", "Kassel", None, None, False, "asserted")),
        ("Ich wohne seit 2019 nicht mehr in Bonn.", None),
        ("Ya no vivo en Bilbao.", ("lives in", "Bilbao", None, None, True, "asserted")),
        (
            "Trabajo en una farmacia de Bilbao.",
            ("works at", "farmacia de Bilbao", None, None, False, "asserted"),
        ),
        ("J'habite à Lyon depuis 2019.", ("lives in", "Lyon", "2019", None, False, "asserted")),
        ("Meine Schwester heißt Anna.", ("sister", "Anna", None, None, False, "asserted")),
        ("Wo wohne ich?", None),
        ("No vivo en Madrid.", None),
        ("Er sagt, ich wohne in Bonn?", None),
    ],
)
def test_a_claim_has_its_dates_its_negation_and_its_status(
    text: str, claim: tuple[str, str, str | None, str | None, bool, str] | None
) -> None:
    assert claims_of(text) == ([claim] if claim else [])
