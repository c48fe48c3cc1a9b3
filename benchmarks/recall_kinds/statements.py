"""What a wording of a fact is, and how its slots are filled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from string import Formatter

Pools = Mapping[str, Sequence[str]]
"""The values of each slot by its name; a digit at its end makes a second draw: {name}, {name2}."""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something a person may say, how they may change it later, and how they may ask for it.

    `label` names a dated fact inside a question about two of them. Of a fact with `several`, each
    statement adds one more, and the question asks for all.
    """

    says: tuple[str, ...]
    asks: tuple[str, ...]
    changes: tuple[str, ...] = ()
    label: str = ""
    several: bool = False


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A fact with its values: the texts of one conversation."""

    fact: Fact
    says: str
    ask: str
    change: str = ""
    label: str = ""
    more: tuple[str, ...] = ()
    """Further statements of a fact with `several`."""


def slots_of(*texts: str) -> list[str]:
    """Return the names of the slots in some texts, each once, in their order."""
    names = (name for text in texts for _, name, _, _ in Formatter().parse(text) if name)
    return list(dict.fromkeys(names))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return a text with the values of its slots, its first letter as it is."""
    return text.format_map(values)


def draw(names: Sequence[str], pools: Pools, random: Random) -> dict[str, str]:
    """Return a value for each slot; slots of one pool get different values."""
    values: dict[str, str] = {}
    for name in names:
        pool = [value for value in pools[name.rstrip("0123456789")] if value not in values.values()]
        values[name] = random.choice(pool)
    return values


def statements_of(facts: Sequence[Fact], pools: Pools, random: Random) -> list[Statement]:
    """Return each fact once, in a random order, worded and valued at random."""
    statements = [_statement(fact, pools, random) for fact in facts]
    random.shuffle(statements)
    return statements


def _statement(fact: Fact, pools: Pools, random: Random) -> Statement:
    says, ask = random.choice(fact.says), random.choice(fact.asks)
    fixed = draw(slots_of(ask, fact.label), pools, random)
    change = random.choice(fact.changes) if fact.changes else ""

    def worded(text: str) -> str:
        names = [name for name in slots_of(text) if name not in fixed]
        return fill(text, fixed | draw(names, pools, random))

    statement = Statement(fact=fact, says=worded(says), ask=fill(ask, fixed))
    if fact.several:
        wordings = random.sample(fact.says, len(fact.says))[: random.randint(1, 2)]
        statement = replace(statement, more=tuple(map(worded, wordings)))
    return replace(
        statement,
        change=worded(change) if change else "",
        label=fill(fact.label, fixed) if fact.label else "",
    )
