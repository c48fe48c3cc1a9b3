"""Predicates: their names, how many objects they have at a time, what they imply and end.

They are declared in `predicates.toml` and in a file of the user's own. A predicate that is
declared nowhere has any number of objects, and never ends another fact.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from threadkeep.base.errors import BadInput

_SEPARATORS = re.compile(r"[\s_\-]+")
_SPELLINGS = {"favorite": "favourite"}
ANY = "*"
LANGUAGES = ("en", "de", "es", "fr")
MAX_BYTES = 1_000_000
MAX_CACHED = 10_000


class Predicate(BaseModel):
    """What one predicate implies."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cardinality: Literal["one", "many"] = "many"
    per: str = ""
    """What stands for "*" in its name: there is one object at a time for each of it."""
    wordings: Mapping[str, tuple[str, ...]] = Field(default_factory=dict, alias="synonyms")
    """Other wordings by language."""
    implies: str = ""
    ends: tuple[str, ...] = ()
    inverse: str = ""
    event: bool = False
    alias: Literal["", "subject", "object"] = ""
    """Which side is another name of the other side."""
    family: str = ""
    """Relations of one family may be of one person at different times: girlfriend and wife."""

    @field_validator("wordings", mode="before")
    @classmethod
    def _by_language(cls, value: object) -> object:
        return {"": value} if isinstance(value, list | tuple) else value

    @field_validator("wordings")
    @classmethod
    def _known_languages(cls, value: Mapping[str, tuple[str, ...]]) -> Mapping[str, Any]:
        for language in value:
            if language and language not in LANGUAGES:
                raise ValueError(f"write a list, or lists by {', '.join(LANGUAGES)}")
        return value

    @property
    def synonyms(self) -> tuple[str, ...]:
        """The other wordings in all languages."""
        return tuple(wording for some in self.wordings.values() for wording in some)

    @property
    def single(self) -> bool:
        """Whether it has one object at a time."""
        return self.cardinality == "one"


UNKNOWN = Predicate()
_tables = TypeAdapter(dict[str, Predicate])


@dataclass(frozen=True, eq=False)
class PredicateTable:
    """Predicates by canonical name, and the canonical names of other wordings."""

    predicates: Mapping[str, Predicate]
    names: Mapping[str, str]

    @cached_property
    def _patterns(self) -> list[tuple[str, str]]:
        """The wordings with a "*", and their canonical names."""
        return [(wording, name) for wording, name in self.names.items() if ANY in wording]

    @cached_property
    def _starred(self) -> list[tuple[str, Predicate]]:
        """The predicates with a "*" in their names."""
        return [(name, item) for name, item in self.predicates.items() if ANY in name]

    @cached_property
    def _canonical_names(self) -> dict[str, str]:
        """The canonical names of the wordings that were asked for."""
        return {}

    def canonical(self, wording: str) -> str:
        """Return the canonical name of a predicate; an unknown one stays as it is written."""
        if (name := self._canonical_names.get(wording)) is None:
            name = self._canonical_name(wording)
            if len(self._canonical_names) < MAX_CACHED:
                self._canonical_names[wording] = name
        return name

    def _canonical_name(self, wording: str) -> str:
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

    def wordings(self, name: str) -> list[str]:
        """Return the wordings of a canonical name, itself included."""
        return [wording for wording, other in self.names.items() if other == name] or [name]

    def of(self, name: str) -> Predicate:
        """Return the predicate of a canonical name; `UNKNOWN` for one that is not declared."""
        if predicate := self.predicates.get(name):
            return predicate
        matches = (p for pattern, p in self._starred if _part(pattern, name))
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


def read_table(text: str, source: str, base: PredicateTable | None = None) -> PredicateTable:
    """Return the predicates that TOML declares, beside those of `base`.

    A name or a wording that `base` has too is that of `text`. `source` names it in errors.

    Raises:
        BadInput: it is not TOML, a field is refused, or two predicates have one wording.
    """
    try:
        new = _tables.validate_python(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"The predicates in {source} are no TOML: {error}.") from None
    except ValidationError as error:
        raise BadInput(f"The predicates in {source} cannot be used: {_sentence(error)}") from None
    predicates = {**(base.predicates if base else {}), **new}
    names = {k: v for k, v in base.names.items() if v not in new} if base else {}
    own: dict[str, str] = {}
    for name, predicate in new.items():
        _check_predicate(name, predicate, predicates, source)
        for wording in map(normalise, (name, *predicate.synonyms)):
            if own.setdefault(wording, name) != name:
                raise BadInput(
                    f"The predicates in {source} cannot be used: {wording!r:.60} is a wording of "
                    f"{own[wording]!r:.60} and of {name!r:.60}; leave it to one of them."
                )
    return PredicateTable(predicates, {**names, **own})


def _check_predicate(
    name: str, predicate: Predicate, predicates: Mapping[str, Predicate], source: str
) -> None:
    """Refuse a predicate that refers to one that is not declared, or "*" without `per`."""
    references = {"implies": [predicate.implies], "inverse": [predicate.inverse]}
    for field, others in {**references, "ends": predicate.ends}.items():
        for other in others:
            if other and other not in predicates:
                raise BadInput(
                    f"The predicates in {source} cannot be used: {name}.{field} names "
                    f"{other!r:.60}, which is not declared; declare it, or leave it out."
                )
    if bool(predicate.per) != (ANY in name) or not normalise(name):
        raise BadInput(
            f"The predicates in {source} cannot be used: {name!r:.60} needs a '*' in its name and "
            "a field 'per' that says what it stands for, or neither."
        )


def _sentence(error: ValidationError) -> str:
    """Return the first error: the field, the value, what is allowed."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"] if part != "[key]")
    if first["type"] == "extra_forbidden":
        allowed = ", ".join(f.alias or n for n, f in Predicate.model_fields.items())
        return f"there is no field {field}; the fields are {allowed}."
    reason = first["msg"].removeprefix("Value error, ")
    return f"{field} {first['input']!r:.60} is not allowed; {reason[:1].lower()}{reason[1:]}."


@cache
def declared_table() -> PredicateTable:
    """Return the predicates that threadkeep declares."""
    text = files("threadkeep.base").joinpath("predicates.toml").read_text("utf-8")
    return read_table(text, "predicates.toml")


def read_predicates(path: Path | None) -> PredicateTable:
    """Return the predicates of threadkeep, and those of a user's file where there is one.

    Raises:
        BadInput: the file cannot be read, or used; the sentence names the line or the field.
    """
    if path is None:
        return declared_table()
    try:
        with path.expanduser().open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadInput(f"The predicates in {path} are no UTF-8 (line {line}).") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"The predicates in {path} cannot be read: {reason}.") from None
    if len(data) > MAX_BYTES:
        raise BadInput(f"The predicates in {path} have more than {MAX_BYTES:,} bytes.")
    return read_table(text, str(path), declared_table())


_table: ContextVar[PredicateTable | None] = ContextVar("predicates", default=None)


def predicate_table() -> PredicateTable:
    """Return the predicates of the memory that is at work."""
    return _table.get() or declared_table()


@contextmanager
def use_predicates(table: PredicateTable) -> Iterator[None]:
    """Use these predicates inside the block, in this task and those that it starts."""
    token = _table.set(table)
    try:
        yield
    finally:
        _table.reset(token)
