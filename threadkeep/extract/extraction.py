"""What a message says about whom: entities and facts."""

from pydantic import BaseModel, Field

EVENTS = frozenset(
    ("moved to", "started at", "visited", "was born in", "bought", "adopted", "met", "married to")
)
"""Predicates that happened once; the others hold from their date on."""
ATTRIBUTES = frozenset({"birthday", "age", "job", "name", "email", "address", "hometown"})
"""Predicates that are nouns: "user's birthday is 3 May"."""


class Entity(BaseModel):
    """A person, place, organisation, animal or thing that was named."""

    name: str
    type: str
    attributes: dict[str, str] = Field(default_factory=dict)


class Fact(BaseModel):
    """One statement: who, what, of what, and since when."""

    subject: str
    predicate: str
    object: str
    valid_from: str | None = None
    """ISO 8601: a year, a month or a day."""

    @property
    def sentence(self) -> str:
        """Say it: "Miriam moved to Lisbon (2026-03)"."""
        when = f" ({self._when})" if self.valid_from else ""
        if self.is_noun:
            return f"{self.subject}'s {self.predicate} is {self.object}{when}"
        return f"{self.subject} {self.predicate} {self.object}{when}"

    @property
    def is_noun(self) -> bool:
        """Whether the predicate is what somebody has: a sister, a birthday, a favourite colour."""
        from threadkeep.extract.rules_words import ANIMALS, RELATIONS

        known = self.predicate in ATTRIBUTES or self.predicate in RELATIONS
        return known or self.predicate in ANIMALS or self.predicate.startswith("favourite ")

    @property
    def _when(self) -> str:
        return f"{'' if self.predicate in EVENTS else 'since '}{self.valid_from}"


class Extraction(BaseModel):
    """All that was found in one message."""

    entities: list[Entity] = Field(default_factory=list)
    facts: list[Fact] = Field(default_factory=list)
