"""Entities as the store holds them: names, attributes and sources, and one line of text."""

from collections.abc import Mapping
from typing import Any

from threadkeep.knowledge.facts import MAX_CHARACTERS, MAX_SOURCES, clean
from threadkeep.knowledge.notes import Note

MAX_OBJECTS = 12
"""Of one attribute, and of aliases."""
MAX_TIMELINE = 200
"""Objects of one predicate over time."""


def new_entity(name: str, type_: str, time: str) -> dict[str, Any]:
    """Return the record of an entity that was first mentioned at `time`."""
    return {
        "name": name,
        "type": type_,
        "aliases": [],
        "attributes": {},
        "mentions": 0,
        "first_seen": time,
        "last_seen": time,
        "sources": [],
        "text": name,
    }


def add_mention(entity: dict[str, Any], name: str, type_: str, note: Note) -> None:
    """Count the mention of an entity by a note, once for each message, in place."""
    if entity["type"] == "unknown":
        entity["type"] = type_
    if name != entity["name"] and name not in entity["aliases"]:
        entity["aliases"] = [*entity["aliases"], name][:MAX_OBJECTS]
    if note.message not in entity["sources"]:
        entity["mentions"] += 1
        entity["sources"] = [*entity["sources"], note.message][-MAX_SOURCES:]
        entity["first_seen"] = min(entity["first_seen"], note.time)
        entity["last_seen"] = max(entity["last_seen"], note.time)


def put_attribute(entity: dict[str, Any], name: str, object_: str, *, single: bool) -> None:
    """Add an object to an attribute, in place; a `single` one replaces the objects before it."""
    name, object_ = clean(name), clean(object_)
    objects = entity["attributes"].get(name, [])
    others = [] if single else [other for other in objects if other != object_]
    entity["attributes"] = {**entity["attributes"], name: [*others, object_][-MAX_OBJECTS:]}


def set_attribute(entity: dict[str, Any], predicate: str, current: Mapping[str, bool]) -> None:
    """Add the objects that hold now to an attribute, in place, and remove those that do not."""
    objects = [name for name in entity["attributes"].get(predicate, []) if name not in current]
    objects += [name for name, holds in current.items() if holds]
    others = {name: value for name, value in entity["attributes"].items() if name != predicate}
    attributes = {**entity["attributes"], predicate: objects[-MAX_OBJECTS:]} if objects else others
    entity["attributes"] = attributes


def add_to_timeline(entity: dict[str, Any], predicate: str, object_: str) -> None:
    """Add an object to those that a predicate with one object at a time ever had, in place."""
    timelines = entity.get("timelines") or {}
    # A record of an earlier version knows only the last one.
    objects = timelines.get(predicate) or entity["attributes"].get(predicate, [])
    if object_ not in objects:
        objects = [*objects, object_][-MAX_TIMELINE:]
    entity["timelines"] = {**timelines, predicate: objects}


def describe(entity: dict[str, Any]) -> str:
    """Return one line about an entity, for the index and for the model."""
    attributes = "; ".join(
        f"{name} {' and '.join(objects)}" for name, objects in entity["attributes"].items()
    )
    aliases = [name for name in entity["aliases"] if name.casefold() != entity["name"].casefold()]
    also = f", also called {' and '.join(aliases)}" if aliases else ""
    line = f"{entity['name']}{also} ({entity['type']})"
    return f"{line}: {attributes}"[: 4 * MAX_CHARACTERS] if attributes else line
