"""Fold what messages taught into what is known: attributes join, a newer fact ends an older.

What a message taught is kept as a note of its own. Entities and facts are made of the notes, and
can be made again when a message is forgotten, edited or left on another branch.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from langgraph.store.base import BaseStore, GetOp, Item, PutOp

from threadkeep.base.clock import now
from threadkeep.base.validation import sanitise_text
from threadkeep.extract.extraction import Extraction, Fact
from threadkeep.stores.namespaces import (
    entities_of,
    entity_key,
    fact_key,
    facts_of,
    notes_of,
    suppressed_of,
)
from threadkeep.stores.tombstones import tombstone_of

SINGLE = frozenset(
    {"lives in", "works at", "works as", "is named", "is called", "birthday", "age", "married to"}
)
"""Predicates that have one object at a time: a new one ends the old."""
MOVES = {"moved to": "lives in", "started at": "works at"}
"""Predicates that also say where things stand now."""
SOURCES, OBJECTS, CHARACTERS = 20, 12, 300

Known = dict[tuple[tuple[str, ...], str], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Noted:
    """What one message said."""

    message: str
    thread: str
    said_at: str
    extraction: Extraction
    written_at: str = ""

    @property
    def value(self) -> dict[str, Any]:
        """The note as it is stored."""
        told = self.extraction.model_dump(exclude_defaults=True)
        return {"said_at": self.said_at, "written_at": self.written_at, **told}

    @classmethod
    def of(cls, item: Item) -> "Noted":
        """Return a stored note."""
        value = item.value
        return cls(
            message=item.key,
            thread=item.namespace[-1],
            said_at=str(value["said_at"]),
            extraction=Extraction.model_validate(value, extra="ignore"),
            written_at=str(value.get("written_at") or ""),
        )


async def merge(store: BaseStore, user: str, noted: Sequence[Noted]) -> None:
    """Merge what messages said, oldest first, with one read and one write. Twice is once."""
    noted = telling(await _unsuppressed(store, user, noted))
    if not noted:
        return
    known = await _read(store, _touched(user, noted))
    known |= await _read(store, _superseded(user, noted, known))
    before = {place: dict(value) for place, value in known.items()}
    for one in noted:
        merge_one(known, user, one)
    changed = [place for place, value in known.items() if before.get(place) != value]
    puts = [PutOp(ns, key, known[ns, key]) for ns, key in changed]
    await store.abatch([*puts, *notes(user, noted)])


def telling(noted: Iterable[Noted]) -> list[Noted]:
    """Return the notes that say anything, each with the time at which it is written."""
    present = now().isoformat()
    return [
        replace(one, written_at=one.written_at or present)
        for one in noted
        if one.extraction.entities or one.extraction.facts
    ]


def notes(user: str, noted: Iterable[Noted]) -> list[PutOp]:
    """Return what stores the notes; they are read by their place alone, never searched."""
    return [PutOp(notes_of(user, one.thread), one.message, one.value) for one in noted]


def suppressed_key(user: str, key: str) -> str:
    """Return what stands for a fact that is never to be learned again, and tells nobody which."""
    return tombstone_of(user, "fact", key)


def without(user: str, noted: Noted, suppressed: Set[str]) -> Noted:
    """Return what a message said, but for what is never to be learned again."""
    facts = [
        fact
        for fact in noted.extraction.facts
        if suppressed.isdisjoint(suppressed_key(user, _key(each)) for each in _stated(fact))
    ]
    entities = [
        entity.model_copy(
            update={
                "attributes": {
                    name: told
                    for name, told in entity.attributes.items()
                    if suppressed_key(user, fact_key(entity.name, name, told)) not in suppressed
                }
            }
        )
        for entity in noted.extraction.entities
    ]
    told = noted.extraction.model_copy(update={"facts": facts, "entities": entities})
    return replace(noted, extraction=told)


def taught_by(user: str, noted: Noted) -> set[str]:
    """Return the keys of the entities and facts that one message's note makes."""
    known: Known = {}
    merge_one(known, user, noted)
    return {key for _, key in known}


def merge_one(known: Known, user: str, noted: Noted) -> None:
    """Merge one message's entities and facts into `known`, in place."""
    seen: set[str] = set()
    for entity in noted.extraction.entities:
        value = _entity(known, user, entity.name, entity.type, noted)
        seen.add(entity.name)
        for name, told in entity.attributes.items():
            put_attribute(value, name, told, single=True)
        value["text"] = describe(value)
    for fact in noted.extraction.facts:
        kind = "person" if fact.subject == "user" else "unknown"
        value = _entity(known, user, fact.subject, kind, noted)
        _record(known, user, fact, value, noted)
        value["text"] = describe(value)


def describe(entity: dict[str, Any]) -> str:
    """Return one line about an entity, for the index and for the model."""
    told = "; ".join(
        f"{name} {' and '.join(objects)}" for name, objects in entity["attributes"].items()
    )
    line = f"{entity['name']} ({entity['type']})"
    return f"{line}: {told}"[: 4 * CHARACTERS] if told else line


def _entity(known: Known, user: str, name: str, kind: str, noted: Noted) -> dict[str, Any]:
    name = sanitise_text(name)[:CHARACTERS]
    place = (entities_of(user), entity_key(name))
    value = known.setdefault(
        place,
        {
            "name": name,
            "type": kind,
            "aliases": [],
            "attributes": {},
            "mentions": 0,
            "first_seen": noted.said_at,
            "last_seen": noted.said_at,
            "sources": [],
            "text": name,
        },
    )
    if value["type"] == "unknown":
        value["type"] = kind
    if name != value["name"] and name not in value["aliases"]:
        value["aliases"] = [*value["aliases"], name][:OBJECTS]
    if noted.message not in value["sources"]:
        value["mentions"] += 1
        value["sources"] = [*value["sources"], noted.message][-SOURCES:]
        value["first_seen"] = min(value["first_seen"], noted.said_at)
        value["last_seen"] = max(value["last_seen"], noted.said_at)
    return value


def put_attribute(entity: dict[str, Any], name: str, told: str, *, single: bool) -> None:
    """Add what was told of an entity, in place of what was before where one holds at a time."""
    name, told = sanitise_text(name)[:CHARACTERS], sanitise_text(told)[:CHARACTERS]
    objects = entity["attributes"].get(name, [])
    rest = [] if single else [other for other in objects if other != told]
    entity["attributes"] = {**entity["attributes"], name: [*rest, told][-OBJECTS:]}


def _record(known: Known, user: str, fact: Fact, entity: dict[str, Any], noted: Noted) -> None:
    """Put the fact down; where its predicate has one object at a time, end the one before."""
    for each in _stated(fact):
        key = fact_key(each.subject, each.predicate, each.object)
        single = each.predicate in SINGLE
        if single:
            for old in entity["attributes"].get(each.predicate, []):
                older = known.get((facts_of(user), fact_key(each.subject, each.predicate, old)))
                if older and old != each.object and older["recorded_at"] <= noted.said_at:
                    older |= {"valid_to": each.valid_from or noted.said_at, "superseded_by": key}
        value = known.setdefault((facts_of(user), key), _fact(each, noted))
        if noted.message not in value["sources"]:
            value["sources"] = [*value["sources"], noted.message][-SOURCES:]
            value |= {"superseded_by": None, "valid_to": None, "recorded_at": noted.said_at}
            value.pop("corrected_at", None)
        put_attribute(entity, each.predicate, each.object, single=single)


def _fact(fact: Fact, noted: Noted) -> dict[str, Any]:
    return {
        "subject": sanitise_text(fact.subject)[:CHARACTERS],
        "predicate": sanitise_text(fact.predicate)[:CHARACTERS],
        "object": sanitise_text(fact.object)[:CHARACTERS],
        "valid_from": fact.valid_from,
        "valid_to": None,
        "recorded_at": noted.said_at,
        "written_at": noted.written_at,
        "superseded_by": None,
        "sources": [noted.message],
        "text": sanitise_text(fact.sentence)[: 3 * CHARACTERS],
    }


def _stated(fact: Fact) -> list[Fact]:
    """Return the fact, and what it says about how things stand now."""
    now_holds = MOVES.get(fact.predicate)
    return [fact, fact.model_copy(update={"predicate": now_holds})] if now_holds else [fact]


def _key(fact: Fact) -> str:
    return fact_key(fact.subject, fact.predicate, fact.object)


async def _unsuppressed(store: BaseStore, user: str, noted: Sequence[Noted]) -> list[Noted]:
    keys = {suppressed_key(user, key) for one in noted for key in _claims(one)}
    if not keys:
        return list(noted)
    found = await store.abatch([GetOp(suppressed_of(user), key) for key in sorted(keys)])
    suppressed = {item.key for item in found if isinstance(item, Item)}
    return [without(user, one, suppressed) for one in noted] if suppressed else list(noted)


def _claims(noted: Noted) -> Iterator[str]:
    """Yield the keys of all that a message states, as facts or as attributes."""
    for fact in noted.extraction.facts:
        yield from map(_key, _stated(fact))
    for entity in noted.extraction.entities:
        for name, told in entity.attributes.items():
            yield fact_key(entity.name, name, told)


def _touched(user: str, noted: Iterable[Noted]) -> set[tuple[tuple[str, ...], str]]:
    places: set[tuple[tuple[str, ...], str]] = set()
    for one in noted:
        names = [entity.name for entity in one.extraction.entities]
        names += [fact.subject for fact in one.extraction.facts]
        places |= {(entities_of(user), entity_key(sanitise_text(n)[:CHARACTERS])) for n in names}
        for fact in one.extraction.facts:
            for each in _stated(fact):
                key = fact_key(each.subject, each.predicate, each.object)
                places.add((facts_of(user), key))
    return places


def _superseded(
    user: str, noted: Iterable[Noted], known: Known
) -> set[tuple[tuple[str, ...], str]]:
    """Return where the facts are that single-valued predicates may end."""
    places: set[tuple[tuple[str, ...], str]] = set()
    for fact in (each for one in noted for f in one.extraction.facts for each in _stated(f)):
        entity = known.get((entities_of(user), entity_key(fact.subject)))
        for old in entity["attributes"].get(fact.predicate, []) if entity else []:
            places.add((facts_of(user), fact_key(fact.subject, fact.predicate, old)))
    return places - known.keys()


async def _read(store: BaseStore, places: set[tuple[tuple[str, ...], str]]) -> Known:
    ordered = sorted(places)
    found = await store.abatch([GetOp(namespace, key) for namespace, key in ordered])
    return {
        place: dict(item.value)
        for place, item in zip(ordered, found, strict=True)
        if isinstance(item, Item)
    }
