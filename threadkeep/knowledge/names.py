"""Who is who: the names under which entities are known, and the entity of each name.

Names come from statements ("Miriam, we call her Mimi", "my name is Jana"), from relations of which
there is one ("my sister" is Miriam) and from the user's merges and splits. Nothing is guessed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from threadkeep.base.predicates import predicate_table
from threadkeep.extract.extraction import Fact
from threadkeep.knowledge.facts import canonical_fact, clean, is_relation
from threadkeep.knowledge.identities import Identity, in_effect
from threadkeep.knowledge.notes import USER, Note
from threadkeep.knowledge.timeline import Claim, fold
from threadkeep.stores.namespaces import entity_key

ANIMAL = "animal"
"""The family of the relations to animals."""
ALSO_CALLED = "is also called"
MAX_WORDS = 5
"""Of a name."""
_USER_WORDS = frozenset(map(entity_key, ("user", "the user", "i", "me", "myself")))
_NO_PERSON = frozenset(("place", "organisation", "organization"))


@dataclass(frozen=True, kw_only=True)
class Group:
    """The names of one entity."""

    entity: str
    """The name that it is listed by; "" where a relation such as "user's sister" is of several."""
    aliases: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    """Relations that name it: "user's sister"."""
    merged: bool = False
    """Whether the user merged it: then it is one entity whatever its relations are."""


@dataclass(frozen=True)
class Names:
    """The entity of each name; a name that is not here is an entity of its own."""

    groups: Mapping[str, Group] = field(default_factory=dict)
    """By the key of each name."""
    renamed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By message, names by the key of a name that means another entity there."""

    def of(self, name: str, message: str = "") -> str:
        """Return the name of the entity that `name` means, in a message."""
        key = entity_key(clean(name))
        if own := self.renamed.get(message, {}).get(key):
            name, key = own, entity_key(own)
        if key in _USER_WORDS:
            return USER
        group = self.groups.get(key)
        return group.entity if group and group.entity else clean(name)

    def aliases(self, name: str) -> tuple[str, ...]:
        """Return the other names of an entity."""
        group = self.groups.get(entity_key(clean(name)))
        return group.aliases if group else ()

    def is_merged(self, name: str) -> bool:
        """Return whether the user merged an entity with another one."""
        group = self.groups.get(entity_key(clean(name)))
        return bool(group and group.merged)

    def fact(self, fact: Fact, message: str = "", no_people: Iterable[str] = ()) -> Fact:
        """Return a claim about entities; `no_people` are the keys of names of places here."""
        fact = canonical_fact(fact)
        side = predicate_table().of(fact.predicate).alias
        if side == "subject" and self.of(fact.subject) == self.of(fact.object):
            # "Bob is short for Robert" is a claim about Robert.
            changes = {"subject": fact.object, "object": fact.subject, "predicate": ALSO_CALLED}
            fact, side = fact.model_copy(update=changes), "object"
        subject = self.of(fact.subject, message)
        if side or entity_key(clean(fact.object)) in no_people:
            object_ = fact.object
        else:
            object_ = self.of(fact.object, message)
        # Whoever is called Florence may live in Florence.
        object_ = fact.object if object_ == subject == USER else object_
        return fact.model_copy(update={"subject": subject, "object": object_})

    def note(self, note: Note) -> Note:
        """Return a note about entities."""
        extraction, message = note.extraction, note.message
        places = places_in(note)
        entities = [
            entity
            if entity.type in _NO_PERSON
            else entity.model_copy(update={"name": self.of(entity.name, message)})
            for entity in extraction.entities
        ]
        facts = [self.fact(fact, message, places) for fact in extraction.facts]
        changed = extraction.model_copy(update={"entities": entities, "facts": facts})
        return replace(note, extraction=changed)


def places_in(note: Note) -> set[str]:
    """Return the keys of the names that a note uses for places and organisations."""
    return {entity_key(e.name) for e in note.extraction.entities if e.type in _NO_PERSON}


def names_of(notes: Sequence[Note], events: Iterable[Identity] = ()) -> Names:
    """Return the names that notes and the user's events give, whatever their order."""
    active = in_effect(events)
    renamed = renamed_by(active)
    steps: list[tuple[str, str, str, str]] = [
        (event.at, event.kind, event.name, event.other) for event in active if not event.messages
    ]
    families = _families(notes, renamed)
    steps += [(at, "statement", name, other) for at, name, other in links_in(notes)]
    forest = _Forest()
    for _, kind, name, other in sorted(steps):
        if kind == "split":
            forest.cut(name)
        elif kind == "merge" or not _are_different(families, name, other):
            forest.link(name, other, force=kind == "merge")
    names = Names(_groups(forest, {}), renamed)
    return Names(_groups(forest, _roles(notes, names)), renamed)


class _Forest:
    """Names with the name that each one is another name of."""

    def __init__(self) -> None:
        self.parents: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.forced: set[str] = set()
        """The names that the user's merges made other names."""

    def add(self, name: str) -> str:
        key = entity_key(name)
        self.names.setdefault(key, name)
        return key

    def root(self, key: str) -> str:
        while key in self.parents:
            key = self.parents[key]
        return key

    def link(self, name: str, other: str, *, force: bool) -> None:
        """Let `other` be another name of `name`; by a statement only if it is nobody else's."""
        key, other_key = self.add(name), self.add(other)
        root, other_root = self.root(key), self.root(other_key)
        if root == other_root or (other_key in self.parents and not force):
            return
        if other_root == entity_key(USER):
            root, other_root = other_root, root
        self.parents[other_root] = root
        if force:
            self.forced.add(other_root)

    def cut(self, name: str) -> None:
        self.parents.pop(entity_key(name), None)
        self.forced.discard(entity_key(name))


def _groups(forest: _Forest, roles: Mapping[str, str]) -> dict[str, Group]:
    """Return the group of each name. `roles` gives the entity of each relation, "" if several."""
    members: dict[str, list[str]] = defaultdict(list)
    for key in forest.names:
        if (root := forest.root(key)) != key:
            members[root].append(forest.names[key])
    role_names: dict[str, list[str]] = defaultdict(list)
    display: dict[str, str] = {}
    for role, entity in roles.items():
        if entity:
            display.setdefault(entity_key(entity), entity)
            role_names[entity_key(entity)].append(role)
    groups = {entity_key(role): Group(entity="") for role, entity in roles.items() if not entity}
    for root in members.keys() | role_names.keys():
        group = Group(
            entity=forest.names.get(root) or display[root],
            aliases=tuple(sorted(members[root])),
            roles=tuple(sorted(role_names[root])),
            merged=any(forest.root(key) == root for key in forest.forced),
        )
        names = (group.entity, *group.aliases, *group.roles)
        groups |= dict.fromkeys(map(entity_key, names), group)
    return groups


def links_in(notes: Iterable[Note]) -> Iterator[tuple[str, str, str]]:
    """Yield when a name was first told to be another name, the entity's name, the other name."""
    table = predicate_table()
    claims: dict[tuple[str, str], list[Claim]] = defaultdict(list)
    for note in notes:
        for fact in map(canonical_fact, note.extraction.facts):
            if table.of(fact.predicate).alias:
                claims[clean(fact.subject), fact.predicate].append(_claim(fact, note))
    for (subject, predicate), some in claims.items():
        single, side = table.of(predicate).single, table.of(predicate).alias
        for object_ in {i.object for i in fold(some, single=single) if not i.negated}:
            name, other = (object_, subject) if side == "subject" else (subject, object_)
            name = USER if entity_key(name) in _USER_WORDS else name
            if _is_name(name) and _is_name(other) and entity_key(name) != entity_key(other):
                yield min(c.stated_at for c in some if c.object == object_), name, other


def _claim(fact: Fact, note: Note) -> Claim:
    return Claim(
        object=clean(fact.object),
        stated_at=note.order,
        message=note.message,
        valid_from=fact.valid_from,
        valid_to=fact.valid_to,
        negated=fact.negated,
        status=fact.status,
        replaces=fact.replaces,
    )


def _is_name(text: str) -> bool:
    """Return whether a text may name an entity: few words, no small letter at the start."""
    return text == USER or (0 < len(text.split()) <= MAX_WORDS and not text[0].islower())


def relations_in(note: Note, names: Names | None = None) -> Iterator[tuple[str, str]]:
    """Yield the relations of people and animals to the user that a note states, with names.

    `names` tell which names are the user's.
    """
    for stated in note.extraction.facts:
        fact = canonical_fact(stated)
        if is_relation(fact.predicate) and not fact.negated:
            subject = names.of(fact.subject) if names else fact.subject
            if entity_key(clean(subject)) in _USER_WORDS:
                yield fact.predicate, clean(fact.object)


def family_of(relation: str) -> str:
    """Return the family of a relation: one person may have several relations of a family."""
    return predicate_table().of(relation).family or ANIMAL


def _families(
    notes: Iterable[Note], renamed: Mapping[str, Mapping[str, str]]
) -> dict[str, set[str]]:
    """Return the families of relations in which each name stands to the user, by its key."""
    families: dict[str, set[str]] = defaultdict(set)
    for note in notes:
        for relation, name in relations_in(note):
            name = renamed.get(note.message, {}).get(entity_key(name), name)
            families[entity_key(name)].add(family_of(relation))
    return families


def _are_different(families: Mapping[str, set[str]], name: str, other: str) -> bool:
    empty = set[str]()
    own, others = families.get(entity_key(name), empty), families.get(entity_key(other), empty)
    return bool(own) and bool(others) and own.isdisjoint(others)


def _roles(notes: Iterable[Note], names: Names) -> dict[str, str]:
    """Return the entity of each relation to the user of which there is one: "user's sister"."""
    holders: dict[str, dict[str, str]] = defaultdict(dict)
    first: dict[str, str] = {}
    for note in sorted(notes, key=lambda note: (note.order, note.written_at, note.message)):
        for relation, stated_name in relations_in(note, names):
            name, family = names.of(stated_name, note.message), family_of(relation)
            if name == USER:
                name = namesake(stated_name, relation)
            elif names.is_merged(name):
                pass
            elif first.setdefault(entity_key(name), family) != family:
                name = namesake(name, relation)
            holders[f"{USER}'s {relation}"].setdefault(entity_key(name), name)
    return {
        role: next(iter(some.values())) if len(some) == 1 else "" for role, some in holders.items()
    }


def namesake(name: str, relation: str) -> str:
    """Return the name of the second person of a name: "Clara (aunt)"."""
    return f"{name} ({relation})"


def renamed_by(events: Iterable[Identity]) -> dict[str, dict[str, str]]:
    """Return the names that splits give in single messages."""
    renamed: dict[str, dict[str, str]] = defaultdict(dict)
    for event in events:
        for message in event.messages:
            renamed[message][entity_key(event.name)] = event.other
    return dict(renamed)
