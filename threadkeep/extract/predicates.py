"""Predicates: their canonical names, how many objects they have at a time, what they imply.

They are declared in `predicates.toml`; a predicate that is not there has any number of objects,
and never ends another fact.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from threadkeep.base.errors import BadInput

_SEPARATORS = re.compile(r"[\s_\-]+")
_SPELLINGS = {"favorite": "favourite"}
ANY = "*"


class Predicate(BaseModel):
    """What one predicate implies."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cardinality: str = "many"
    synonyms: tuple[str, ...] = ()
    implies: str = ""
    ends: tuple[str, ...] = ()
    inverse: str = ""
    event: bool = False

    @property
    def single(self) -> bool:
        """Whether it has one object at a time."""
        return self.cardinality == "one"


UNKNOWN = Predicate()
_tables = TypeAdapter(dict[str, Predicate])


@dataclass(frozen=True)
class PredicateTable:
    """Predicates by canonical name, and the canonical names of other wordings."""

    predicates: Mapping[str, Predicate]
    names: Mapping[str, str]

    @cached_property
    def _patterns(self) -> list[tuple[str, str]]:
        """The wordings with a "*", and their canonical names."""
        return [(wording, name) for wording, name in self.names.items() if ANY in wording]

    def canonical(self, wording: str) -> str:
        """Return the canonical name of a predicate; an unknown one stays as it is written."""
        key = normalise(wording)
        keys = (key, key.removeprefix("is "), key.removeprefix("has "))
        for candidate in keys:
            if name := self.names.get(candidate):
                return name
        for candidate in keys:
            for pattern, name in self._patterns:
                if part := _part(pattern, candidate):
                    return name.replace(ANY, part)
        return " ".join(wording.split())

    def of(self, name: str) -> Predicate:
        """Return the predicate of a canonical name; `UNKNOWN` for one that is not declared."""
        if predicate := self.predicates.get(name):
            return predicate
        matches = (p for pattern, p in self.predicates.items() if _part(pattern, name))
        return next(matches, UNKNOWN)


def _part(pattern: str, text: str) -> str:
    """Return what stands in `text` for the "*" of a pattern; "" where it does not match."""
    prefix, star, suffix = pattern.partition(ANY)
    fits = star and text.startswith(prefix) and text.endswith(suffix)
    return text[len(prefix) : len(text) - len(suffix)].strip() if fits else ""


def normalise(wording: str) -> str:
    """Return a predicate's wording with one spelling: lower case, single spaces."""
    words = _SEPARATORS.sub(" ", wording.casefold()).strip(" .:?").split(" ")
    return " ".join(_SPELLINGS.get(word, word) for word in words)


def read_table(text: str) -> PredicateTable:
    """Return the predicates that TOML declares.

    Raises:
        BadInput: it is not TOML, a field is unknown, or a name is declared twice.
    """
    try:
        predicates = _tables.validate_python(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise BadInput(f"The table of predicates cannot be read: {error}.") from error
    names: dict[str, str] = {}
    for name, predicate in predicates.items():
        for wording in (name, *predicate.synonyms):
            names.setdefault(normalise(wording), name)
    return PredicateTable(predicates, names)


@cache
def predicate_table() -> PredicateTable:
    """Return the predicates that threadkeep declares."""
    return read_table(files("threadkeep.extract").joinpath("predicates.toml").read_text("utf-8"))
