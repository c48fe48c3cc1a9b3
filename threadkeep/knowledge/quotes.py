"""Find what to quote where no language model answers: messages by recall's own score.

A message whose facts do not hold at the time of the question ranks below those that do. Of
messages that are about as near, the newest counts: it is the last word on the matter.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from langgraph.store.base import BaseStore, GetOp, Item, SearchItem

from threadkeep.base.clock import now
from threadkeep.base.fact_time import is_true_at
from threadkeep.base.predicates import PredicateTable, predicate_table
from threadkeep.extract.extraction import Fact
from threadkeep.extract.rules_words import ANIMALS, RELATIONS
from threadkeep.extract.sentences import is_question, sentences
from threadkeep.knowledge.facts import key_of, with_implied
from threadkeep.knowledge.merge_note import variants_of
from threadkeep.knowledge.names import Names
from threadkeep.knowledge.notes import USER, Note
from threadkeep.knowledge.stored_names import read_names
from threadkeep.models.quote import Quote
from threadkeep.prompt.recalled_turns import thread_names
from threadkeep.search.time_words import MONTHS, moment_of
from threadkeep.search.words import content_stems, content_words, stem, words_of
from threadkeep.stores.memory_ids import find_messages
from threadkeep.stores.namespaces import (
    all_messages_of,
    facts_of,
    notes_of,
)

LIMIT = 12
"""Messages that are looked at."""
MARGIN = 1.5
"""Log odds below the best within which a message is about as near."""
RETRACTION_MARGIN = 4.5
"""The same for a message that takes something back."""
OUTDATED = 6.0
"""Log odds that a message loses whose facts do not hold."""
OWN_WORDS = 2.0
"""Log odds of a message that has all words of the question itself, not beside it."""
BY_PREDICATE = 2.0
"""Log odds of a message whose fact has the predicate that the question names."""
MAX_FACTS = 1_000
FLOOR, OTHER_WORDS_FLOOR = -2.2, -1.3
"""Log odds below which nothing is near: of a message with words of the question, and without."""
_RETRACTIONS = frozenset(
    """actually anymore cancelled canceled cancel correction longer instead mistake wrong sorry not
    never dont doch nicht kein keine mehr statt falsch abgesagt korrektur ya cancelado corrección
    equivoqué pas plus annulé correction""".split()
)
"""Words with which a message takes something back."""
_TIME = frozenset(("now", "currently", "still", "today", "nowadays", "jetzt", "ahora", *MONTHS))
"""Words of a question that name no predicate."""


async def find_quotes(
    store: BaseStore, owner: str, question: str, *, thread: str, exclude: str
) -> list[Quote]:
    """Return the message to quote in answer to a question; none where nothing is near.

    It looks into all threads of the user. `exclude` is the id of the question itself.
    """
    items = await store.asearch(all_messages_of(owner), query=question, limit=LIMIT)
    moment = moment_of(question, now())
    scores = {item.key: _log_odds(item) for item in items if _is_statement(item, exclude)}
    messages: dict[str, Item] = {item.key: item for item in items if item.key in scores}
    facts = await _facts_in_question(store, owner, question)
    true = [fact for fact in facts if is_true_at(fact, moment)]
    source_ids = {fact["sources"][-1] for fact in true}
    for key, message in (await find_messages(store, owner, source_ids)).items():
        messages.setdefault(key, message)
        scores[key] = max(scores.get(key, BY_PREDICATE), BY_PREDICATE)
    predicates = {str(fact["predicate"]) for fact in facts}
    outdated = await _outdated(store, owner, messages.values(), moment, predicates)
    if true and source_ids <= outdated:
        # It was corrected: no message says it.
        newest = max(true, key=lambda fact: str(fact["recorded_at"]))
        return [Quote(text=str(newest["text"]), speaker="", is_fact=True, is_sure=True)]
    for key in outdated & scores.keys():
        scores[key] -= OUTDATED
    topic = content_stems(question)
    for key, message in messages.items():
        scores[key] += OWN_WORDS * len(topic & _text_stems(message)) / max(1, len(topic))
    best = _last_word(messages, scores, topic)
    floor = FLOOR if best and topic & _text_stems(best) else OTHER_WORDS_FLOOR
    if best is None or best.key in outdated or scores[best.key] < floor:
        return await _known_facts(store, owner, question, moment)
    is_sure = best.key in source_ids or topic <= _text_stems(best)
    return [await _quote(store, owner, best, thread, is_sure=is_sure)]


async def _quote(
    store: BaseStore, owner: str, message: Item, thread: str, *, is_sure: bool
) -> Quote:
    names = await thread_names(store, owner, [message])
    value = message.value
    same_thread = str(value.get("thread")) == thread
    return Quote(
        text=str(value["text"]),
        speaker=str(value.get("name") or value.get("role") or ""),
        time=str(value.get("time") or ""),
        thread="" if same_thread else names.get(str(value.get("thread")), ""),
        is_sure=is_sure,
    )


async def _known_facts(store: BaseStore, owner: str, question: str, moment: str) -> list[Quote]:
    """Return the nearest fact that holds: one that was corrected stands in no message."""
    facts = await store.asearch(facts_of(owner), query=question, limit=LIMIT)
    for fact in facts:
        if is_true_at(fact.value, moment) and _log_odds(fact) >= FLOOR:
            return [Quote(text=str(fact.value["text"]), speaker="", is_fact=True, is_sure=True)]
    return []


def _is_statement(item: Item, exclude: str) -> bool:
    """Return whether a message says something: no bare question, no tool's output."""
    text = str(item.value.get("text") or "")
    is_person = item.value.get("role") == "user" or bool(item.value.get("name"))
    statements = [sentence for sentence in sentences(text) if not is_question(sentence)]
    return is_person and item.key != exclude and bool(statements)


def _log_odds(item: SearchItem) -> float:
    score = min(max(item.score or 0.0, 1e-4), 1 - 1e-4)
    return math.log(score / (1 - score))


def _last_word(
    messages: Mapping[str, Item], scores: Mapping[str, float], topic: set[str]
) -> Item | None:
    """Return the newest of the messages that are about as near as the best, and on its topic."""
    if not scores:
        return None
    best = max(scores, key=lambda key: scores[key])
    topic = topic | _text_stems(messages[best])
    near = [
        message
        for key, message in messages.items()
        if scores[key] >= scores[best] - (RETRACTION_MARGIN if _takes_back(message) else MARGIN)
        and not topic.isdisjoint(_text_stems(message))
    ]
    return max(near, key=_when, default=messages[best])


def _when(message: Item) -> tuple[str, int]:
    return str(message.value.get("time")), int(message.value.get("position") or 0)


def _text_stems(message: Item) -> set[str]:
    return content_stems(str(message.value["text"]))


def _takes_back(message: Item) -> bool:
    words = set(words_of(str(message.value["text"])))
    return not words.isdisjoint(_RETRACTIONS)


async def _facts_in_question(
    store: BaseStore, owner: str, question: str
) -> list[Mapping[str, Any]]:
    """Return the facts that a question consists of: whom it is about, and a predicate.

    "Where do I live now?" asks for where the user lives, "Where does my sister live?" for where
    the one lives who is known to be the sister.
    """
    items = await store.asearch(facts_of(owner), limit=MAX_FACTS)
    facts = [item.value for item in items if item.value["sources"]]
    relatives: dict[str, set[str]] = {}
    for fact in facts:
        if fact["subject"] == USER and fact["predicate"] in RELATIONS | ANIMALS:
            relatives.setdefault(fact["object"], set()).update(content_stems(fact["predicate"]))
    words = [word for word in words_of(question) if word not in _TIME and not word.isdecimal()]
    topic = {stem(word) for word in content_words(words)}
    return [fact for fact in facts if _is_in_question(fact, topic, relatives)]


def _is_in_question(
    fact: Mapping[str, Any], topic: set[str], relatives: Mapping[str, set[str]]
) -> bool:
    subject = str(fact["subject"])
    about = set() if subject == USER else content_stems(subject) | relatives.get(subject, set())
    rest = topic - about
    return (subject == USER or rest < topic) and any(
        rest <= wording for wording in _wordings(str(fact["predicate"]), predicate_table())
    )


@lru_cache(MAX_FACTS)
def _wordings(predicate: str, table: PredicateTable) -> list[set[str]]:
    """Return the stems of each wording of a predicate."""
    return [{stem(word) for word in words_of(wording)} for wording in table.wordings(predicate)]


async def _outdated(
    store: BaseStore, owner: str, messages: Iterable[Item], moment: str, predicates: set[str]
) -> set[str]:
    """Return the ids of the messages that state facts of which none holds at `moment`.

    Of a message that states facts of these predicates, only those count.
    """
    places = [(notes_of(owner, str(m.value.get("thread"))), m.key) for m in messages]
    notes = await store.abatch([GetOp(namespace, key) for namespace, key in places])
    stated = [Note.of(item) for item in notes if isinstance(item, Item)]
    names = await read_names(store, owner, stated)
    claims = {note.message: _states(note, names) for note in stated}
    keys = sorted({key_of(claim) for some in claims.values() for claim in some})
    records = await store.abatch([GetOp(facts_of(owner), key) for key in keys])
    facts = {item.key: item.value for item in records if isinstance(item, Item)}
    return {
        message
        for message, some in claims.items()
        if some and not any(_is_true(c, facts, moment) for c in _on_topic(some, predicates))
    }


def _on_topic(claims: Sequence[Fact], predicates: set[str]) -> Sequence[Fact]:
    return [claim for claim in claims if claim.predicate in predicates] or claims


def _states(stated: Note, names: Names) -> list[Fact]:
    """Return the claims of a note about states; events have happened for good."""
    table = predicate_table()
    notes = variants_of([stated], names)
    claims = [one for note in notes for fact in note.extraction.facts for one in with_implied(fact)]
    return [claim for claim in claims if not table.of(claim.predicate).event]


def _is_true(claim: Fact, facts: Mapping[str, Mapping[str, Any]], moment: str) -> bool:
    record = facts.get(key_of(claim))
    return record is not None and is_true_at(record, moment) != claim.negated
