"""The entities and facts of a message."""

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


class Fact(BaseModel):
    """One statement: subject, predicate, object, and its date."""

    subject: str
    predicate: str
    object: str
    valid_from: str | None = None
    """ISO 8601: a year, a month or a day."""

    @property
    def sentence(self) -> str:
        """The fact as text: "Miriam moved to Lisbon (2026-03)"."""
        date = f" ({self._date})" if self.valid_from else ""
        if self.is_noun:
            return f"{self.subject}'s {self.predicate} is {self.object}{date}"
        return f"{self.subject} {self.predicate} {self.object}{date}"

    @property
    def is_noun(self) -> bool:
        """Whether the predicate is a noun: sister, birthday, favourite colour."""
        from threadkeep.extract.rules_words import ANIMALS, RELATIONS

        nouns = ATTRIBUTES | RELATIONS | ANIMALS
        return self.predicate in nouns or self.predicate.startswith("favourite ")

    @property
    def _date(self) -> str:
        return f"{'' if self.predicate in EVENTS else 'since '}{self.valid_from}"


class Extraction(BaseModel):
    """The entities and facts of one message."""

    entities: list[Entity] = Field(default_factory=list)
    facts: list[Fact] = Field(default_factory=list)
    dropped: int = Field(default=0, exclude=True)
    """How many records of a model's reply could not be read."""
