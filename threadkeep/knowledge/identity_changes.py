"""Say who is who: let a name be another name of an entity, or one of its own, or undo that."""

from collections.abc import Collection, Sequence

from langgraph.store.base import BaseStore, Item, PutOp

from threadkeep.base.clock import now
from threadkeep.base.errors import BadInput
from threadkeep.knowledge.facts import clean
from threadkeep.knowledge.identities import (
    MAX_MESSAGES,
    Identity,
    IdentityChange,
    change_rows,
    read_identities,
)
from threadkeep.knowledge.rebuild import read_evidence, rebuild_knowledge
from threadkeep.knowledge.stored_names import read_all_names
from threadkeep.stores.namespaces import entities_of, entity_key, identities_of
from threadkeep.stores.pages import ALL


async def merge_entities(store: BaseStore, owner: str, name: str, other: str) -> IdentityChange:
    """Let `other` be another name of the entity `name`, with all that is known of both.

    Raises:
        BadInput: nothing is known of `name`, or they are one already.
    """
    names, entities = await read_all_names(store, owner), await _entities(store, owner)
    name, other = _name_of(name, entities), _name_of(other, entities)
    entity = names.of(name)
    if entity_key(entity) not in {entity_key(str(item.value["name"])) for item in entities}:
        raise BadInput(
            f"Nothing is known of {name!r:.60}; see threadkeep entities list for the names."
        )
    if names.of(other) == entity:
        raise BadInput(f"{name!r:.60} and {other!r:.60} are one already.")
    return await _add(store, owner, Identity(kind="merge", at=_present(), name=name, other=other))


async def split_entity(
    store: BaseStore, owner: str, name: str, new: str | None, messages: Sequence[str]
) -> IdentityChange:
    """Let another name of an entity be one of its own; with `messages`, only there, as `new`.

    Raises:
        BadInput: the name is no other name, or `new` and `messages` do not go together.
    """
    names, entities = await read_all_names(store, owner), await _entities(store, owner)
    name = _name_of(name, entities)
    if bool(new and new.strip()) != bool(messages):
        raise BadInput("A new name goes with the messages in which it is meant; write both.")
    if new and messages:
        sources = [item for item in entities if str(item.value["name"]) == names.of(name)]
        stated = {key for item in sources for key in item.value["sources"]}
        ids = sorted({_one_of(stated, part) for part in messages})
        if entity_key(clean(new)) == entity_key(name) or len(ids) > MAX_MESSAGES:
            raise BadInput(f"{new!r:.60} is the same name; write one that tells the two apart.")
        event = Identity(
            kind="split", at=_present(), name=name, other=clean(new), messages=tuple(ids)
        )
        return await _add(store, owner, event)
    if names.of(name) == name:
        raise BadInput(
            f"{name!r:.60} is no other name of anybody; see threadkeep entities list. To tell two "
            "of one name apart, write a new name and the messages that are about it."
        )
    return await _add(store, owner, Identity(kind="split", at=_present(), name=name))


async def undo_identity(store: BaseStore, owner: str, change: str) -> IdentityChange:
    """Take back a merge, a split or an undo by its id, or the beginning of it.

    Raises:
        BadInput: there is no such change, or it is taken back already.
    """
    rows = {row["id"]: row for row in change_rows(await read_identities(store, owner))}
    id_ = _one_of(rows.keys(), change)
    if rows[id_]["undone"]:
        raise BadInput(f"The change {change!r:.60} is undone already.")
    return await _add(store, owner, Identity(kind="undo", at=_present(), undoes=id_))


async def list_changes(store: BaseStore, owner: str) -> list[IdentityChange]:
    """Return the merges, splits and undos, the oldest first."""
    return change_rows(await read_identities(store, owner))


async def delete_unfounded(store: BaseStore, owner: str) -> None:
    """Delete the merges and splits whose names no message states, as after a restore without it."""
    evidence = await read_evidence(store, owner)
    stated = evidence.name_keys
    await store.abatch(
        [
            PutOp(identities_of(owner), event.id, None)
            for event in evidence.events
            if event.keys and stated.isdisjoint(event.keys)
        ]
    )


async def _add(store: BaseStore, owner: str, event: Identity) -> IdentityChange:
    await store.abatch([event.put_op(owner)])
    await rebuild_knowledge(store, owner)
    return change_rows([event])[0]


async def _entities(store: BaseStore, owner: str) -> Sequence[Item]:
    return await store.asearch(entities_of(owner), limit=ALL, refresh_ttl=False)


def _name_of(text: str, entities: Sequence[Item]) -> str:
    """Return the name that a text is, or that of the entity with this id.

    Raises:
        BadInput: the text is empty.
    """
    name = clean(" ".join(text.split()))
    if not name:
        raise BadInput("The name is empty; write one of threadkeep entities list.")
    return next((str(item.value["name"]) for item in entities if item.key == name), name)


def _one_of(keys: Collection[str], part: str) -> str:
    """Return the id that is `part`, or the only one that begins or ends so.

    Raises:
        BadInput: there is none, or more than one.
    """
    part = part.strip()
    fitting = [key for key in keys if part and (key.startswith(part) or key.endswith(part))]
    fitting = [part] if part in keys else fitting
    if len(fitting) != 1:
        number = "more than one" if fitting else "no"
        raise BadInput(f"There is {number} id {part!r:.60} here; see threadkeep entities changes.")
    return fitting[0]


def _present() -> str:
    return now().isoformat()
