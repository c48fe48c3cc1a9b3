"""What travels with an opened store: settings, model and clock, for whoever is handed the store."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from langchain_core.language_models import BaseChatModel
from langgraph.store.base import BaseStore

from threadkeep.base.clock import Clock, use_clock
from threadkeep.base.predicates import PredicateTable, read_predicates, use_predicates
from threadkeep.base.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """What a run needs beside its store. A graph's nodes reach it through `runtime.store`."""

    settings: Settings
    model: BaseChatModel | str | None = None
    """The model of runs that name none; None leaves the choice to the settings."""
    clock: Clock
    predicates: PredicateTable = field(compare=False, repr=False)
    """What predicates imply: as threadkeep and the user's own file declare."""
    models: dict[str | None, Any] = field(default_factory=dict, compare=False, repr=False)
    """The models that were built, by the name that a run gives."""

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Use clock, time zone and predicates inside the block."""
        with use_clock(self.clock, self.settings.time_zone), use_predicates(self.predicates):
            yield


_of_foreign_stores: WeakKeyDictionary[BaseStore, Dependencies] = WeakKeyDictionary()


def dependencies_of(store: BaseStore) -> Dependencies:
    """Return what travels with the store; with one that is not ours, what the environment says."""
    dependencies = getattr(store, "dependencies", None)
    if isinstance(dependencies, Dependencies):
        return dependencies
    if store not in _of_foreign_stores:
        attach(store, Settings())
    return _of_foreign_stores[store]


def attach(
    store: BaseStore, settings: Settings, *, model: BaseChatModel | str | None = None
) -> None:
    """Let settings and a model travel with a store that is not ours."""
    _of_foreign_stores[store] = Dependencies(
        settings=settings,
        model=model,
        clock=settings.clock,
        predicates=read_predicates(settings.predicates),
    )


def ttl_of(store: BaseStore, record: Mapping[str, Any]) -> float | None:
    """Return for how many minutes a thread with this record is kept; None is for ever."""
    own: float | None = record.get("ttl_minutes", dependencies_of(store).settings.ttl_minutes)
    return own
