"""The entities and facts of a message."""

from typing import Literal

from pydantic import BaseModel, Field

EVENTS = frozenset(
    ("moved to", "started at", "visited", "was born in", "bought", "adopted", "met", "married to")
)
"""Predicates of single events; all others hold from their date on."""
ATTRIBUTES = frozenset({"birthday", "age", "job", "name", "email", "address", "hometown"})
"""Predicates that are nouns: "user's birthday is 3 May"."""


class Entity(BaseModel):
    """A person, place, organisation, animal or thing with a name."""

    name: str
    type: str
    attributes: dict[str, str] = Field(default_factory=dict)


Status = Literal["asserted", "planned", "cancelled", "corrected"]


class Fact(BaseModel):
    """One claim of a message: subject, predicate, object, its dates, and what it does to others."""

    subject: str
    predicate: str
    object: str
    valid_from: str | None = None
    """Since when, ISO 8601: a year, a month or a day; of a plan its date."""
    valid_to: str | None = None
    """Until when, exclusive: a year, a month or a day."""
    negated: bool = False
    """It holds no longer from `valid_from` on, or never held."""
    status: Status = "asserted"
    """A cancelled claim ends a plan; a corrected one replaces what was never true."""
    replaces: str | None = None
    """The object that a corrected claim replaces; None is the one that was told last."""
    message: int = Field(default=0, exclude=True)
    """Number of the message that says it among those of one request; 0 is the last."""

    @property
    def sentence(self) -> str:
        """The fact as text: "Miriam moved to Lisbon (2026-03)"."""
        date = f" ({self._date})" if self._date else ""
        prefix = "not true: " if self.negated else ""
        if self.is_noun:
            return f"{prefix}{self.subject}'s {self.predicate} is {self.object}{date}"
        return f"{prefix}{self.subject} {self.predicate} {self.object}{date}"

    @property
    def is_noun(self) -> bool:
        """Whether the predicate is a noun: sister, birthday, favourite colour."""
        from threadkeep.extract.rules_words import ANIMALS, RELATIONS

        nouns = ATTRIBUTES | RELATIONS | ANIMALS
        return self.predicate in nouns or self.predicate.startswith("favourite ")

    @property
    def _date(self) -> str:
        if self.valid_to:
            start = f"{self.valid_from} to" if self.valid_from else "until"
            return f"{start} {self.valid_to}"
        if not self.valid_from or self.predicate in EVENTS:
            return self.valid_from or ""
        return f"{'from' if self.status == 'planned' else 'since'} {self.valid_from}"


class Extraction(BaseModel):
    """The entities and facts of one message."""

    entities: list[Entity] = Field(default_factory=list)
    facts: list[Fact] = Field(default_factory=list)
    ends: list[str] = Field(default_factory=list, exclude=True)
    """Ids of known facts that hold no longer, as a model gave them."""
    dropped: int = Field(default=0, exclude=True)
    """How many records of a model's reply could not be read."""
