"""Facts around what a message names: one and two steps in the graph of entities and facts."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from langgraph.store.base import BaseStore, GetOp, Item, SearchItem, SearchOp

from threadkeep.base.clock import now
from threadkeep.base.fact_time import is_plan, is_true_at
from threadkeep.knowledge.merge_note import entity_objects
from threadkeep.knowledge.notes import USER
from threadkeep.knowledge.stored_names import names_by_keys
from threadkeep.search.words import content_stems
from threadkeep.stores.namespaces import entities_of, entity_key, fact_key, facts_of

MAX_WORDS = 120
"""Of a message that are looked at for names."""
MAX_NAMES = 90
MAX_SHORT = 15
"""Words of a message in which a name may be written small."""
MAX_PARTS = 3
"""Words of a name."""
MAX_ENTITIES = 8
"""From which a step begins."""
MAX_INCOMING = 20
"""Facts that have one entity as their object."""
MAX_FACTS = 12
"""That are returned."""
_WORD = re.compile(r"[^\W_][\w'’.-]*", re.UNICODE)
_POSSESSIVE = re.compile(r"['’]s?$")


async def related_facts(
    store: BaseStore, owner: str, text: str, date: str | None, near: Sequence[SearchItem] = ()
) -> list[SearchItem]:
    """Return facts one and two steps from the entities that a text names, the nearest first.

    Of one step those first that have words of the text. Facts hold at `date`, by default now, or
    are planned. A text that names nothing begins from the entities in `near`.
    """
    moment = date or now().isoformat()
    start = await _entities_in(store, owner, text)
    if not start:
        entities = [item for item in near if item.namespace == entities_of(owner)]
        start = {item.key: item.value for item in entities if item.value["name"] != USER}
    first = await _facts_of(store, owner, start, moment)
    names = {_other(item, start) for item in first} - {USER}
    second_entities = await _entities(store, owner, sorted(names)[:MAX_ENTITIES])
    second_entities = {k: v for k, v in second_entities.items() if k not in start}
    # Whoever else lives in the same town is not near.
    second = await _facts_of(store, owner, second_entities, moment, both_ends=False)
    stems, included = content_stems(text), set[str]()
    related: list[SearchItem] = []
    for step in (first, second):
        for item in sorted(step, key=lambda item: -_words_in_common(item, stems)):
            if item.key not in included:
                included.add(item.key)
                related.append(item)
    return related[:MAX_FACTS]


async def _entities_in(store: BaseStore, owner: str, text: str) -> dict[str, Mapping[str, Any]]:
    """Return the entities that a text names exactly, by key, without the user."""
    keys = [entity_key(name) for name in islice(_names_in(text), MAX_NAMES)]
    names = await names_by_keys(store, owner, keys)
    groups = (names.groups.get(key) for key in keys)
    own = [entity_key(group.entity) for group in groups if group and group.entity]
    ops = [GetOp(entities_of(owner), key) for key in dict.fromkeys([*own, *keys])]
    items = await store.abatch(ops)
    entities = {item.key: item.value for item in items if isinstance(item, Item)}
    return {k: v for k, v in list(entities.items())[: MAX_ENTITIES + 1] if v["name"] != USER}


def _names_in(text: str) -> Iterator[str]:
    """Yield what in a text may be a name, and the relations in it: "my sister"."""
    words = [_POSSESSIVE.sub("", word) for word in _WORD.findall(text)[:MAX_WORDS]]
    for start, word in enumerate(words):
        if start and words[start - 1].casefold() in ("my", "our"):
            yield f"{USER}'s {word.casefold()}"
        if len(words) <= MAX_SHORT or not word[0].islower():
            for end in range(start + 1, start + 1 + MAX_PARTS):
                yield " ".join(words[start:end]).rstrip(".")


async def _entities(
    store: BaseStore, owner: str, names: Iterable[str]
) -> dict[str, Mapping[str, Any]]:
    items = await store.abatch([GetOp(entities_of(owner), entity_key(name)) for name in names])
    return {item.key: item.value for item in items if isinstance(item, Item)}


async def _facts_of(
    store: BaseStore,
    owner: str,
    entities: Mapping[str, Mapping[str, Any]],
    moment: str,
    *,
    both_ends: bool = True,
) -> list[SearchItem]:
    """Return the facts about some entities, and with `both_ends` those whose object they are."""
    ops = [
        SearchOp(facts_of(owner), filter={"object": entity["name"]}, limit=MAX_INCOMING)
        for entity in (entities.values() if both_ends else ())
    ]
    keys = dict.fromkeys(key for entity in entities.values() for key in _fact_keys(entity))
    results = await store.abatch([*ops, *(GetOp(facts_of(owner), key) for key in keys)])
    items: list[Item] = []
    for result in results:
        records = result if isinstance(result, list) else [result]
        items += [item for item in records if isinstance(item, Item)]
    return [
        item if isinstance(item, SearchItem) else _search_item(item)
        for item in items
        if is_true_at(item.value, moment) or is_plan(item.value, moment)
    ]


def _fact_keys(entity: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys of the facts about an entity: what holds now, and what ever held."""
    name = str(entity["name"])
    for predicate in {**entity["attributes"], **entity.get("timelines", {})}:
        for object_ in {
            *entity["attributes"].get(predicate, ()),
            *entity_objects(entity, predicate),
        }:
            yield fact_key(name, predicate, object_)


def _other(item: Item, entities: Mapping[str, Any]) -> str:
    """Return the end of a fact that is none of the entities."""
    subject, object_ = str(item.value["subject"]), str(item.value["object"])
    return object_ if entity_key(subject) in entities else subject


def _words_in_common(item: Item, stems: set[str]) -> int:
    return len(stems & content_stems(str(item.value["text"])))


def _search_item(item: Item) -> SearchItem:
    return SearchItem(
        item.namespace, item.key, item.value, item.created_at, item.updated_at, score=None
    )


def merge_facts(items: Sequence[SearchItem], related: Sequence[SearchItem]) -> list[SearchItem]:
    """Return the items of a search, and after its entities and facts the related facts."""
    facts = [item for item in items if item.namespace[1] != "messages"]
    rest = [item for item in items if item.namespace[1] == "messages"]
    keys = {item.key for item in facts}
    return [*facts, *(fact for fact in related if fact.key not in keys), *rest]
