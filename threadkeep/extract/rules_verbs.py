"""The verbs that express a predicate, and the kind of object that each needs."""

from itertools import product
from typing import Final, NamedTuple

_TABLE: Final = """
lives in      | place        | live+ in, be living in, be based in
lives at      | thing        | live+ at
lived in      | place        | lived in, used to live in, was living in
moved to      | place        | moved to, moved back to, moved over to, relocated to, emigrated to
is moving to  | place        | be moving to, be relocating to, will move to, be going to move to
was born in   | place        | was born in, were born in, was born and raised in
birthday      | date         | was born on
grew up in    | place        | grew up in, was raised in
is from       | place        | come+ from, be from, be originally from
works at      | organisation | work+ at, work+ for, be working at, be working for
works as      | job          | work+ as, be working as
worked at     | organisation | worked at, worked for, used to work at, used to work for
started at    | organisation | started at, started working at, started working for, joined
started at    | organisation | started a job at, started a new job at, got a job at
started at    | organisation | got a new job at, have a new job at, work now at, work now for
is starting at | organisation | be starting at, will start at, be joining, will join
left          | organisation | quit, resigned from, was laid off from
studies at    | organisation | study:studies at, be studying at
studied at    | organisation | studied at, graduated from
studies       | thing        | study:studies, be studying
visited       | place        | visited, travelled to, traveled to, flew to
has           | having       | have:has, have:has got, own+
keeps         | having       | keep+
adopted       | having       | adopted
bought        | having       | bought
likes         | liking       | like+
loves         | liking       | love+, adore+
enjoys        | liking       | enjoy+
hates         | liking       | hate+, detest+, loathe+, can not stand, cannot stand
dislikes      | liking       | dislike+, do:does not like, do:does not enjoy, do:does not love
does not eat  | liking       | do:does not eat
prefers       | liking       | prefer+
is allergic to | thing       | be allergic to
is afraid of  | thing        | be afraid of, be scared of
married to    | person       | be married to, married
engaged to    | person       | be engaged to
met           | person       | met
is dating     | person       | be dating
speaks        | language     | speak+
plays         | thing        | play+
collects      | thing        | collect+
drives        | having       | drive+
is named      | name         | be called, be named
age           | number       | turned
is            | being        | be
"""


class Verb(NamedTuple):
    """A verb that expresses a predicate."""

    predicate: str
    kind: str
    first: bool
    """Whether it can follow "I", "we" or "they"."""
    third: bool
    """Whether it can follow "she" or a name."""


_BE: Final = (("am", True, False), ("are", True, False), ("is", False, True), ("'s", False, True))


def _forms(word: str) -> tuple[tuple[str, bool, bool], ...]:
    """Return the forms of a first word, each with whether it is first and third person."""
    if word == "be":
        return _BE
    base, _, third = word.partition(":")
    if word.endswith("+"):
        base, third = word[:-1], word[:-1] + "s"
    return ((base, True, False), (third, False, True)) if third else ((base, True, True),)


def _table() -> dict[str, list[tuple[tuple[str, ...], Verb]]]:
    """Return the wordings and verbs by first word, the longest wording first."""
    table: dict[str, list[tuple[tuple[str, ...], Verb]]] = {}
    for line in _TABLE.strip().splitlines():
        predicate, kind, wordings = (part.strip() for part in line.split("|"))
        for wording in wordings.split(","):
            head, *rest = wording.split()
            for (form, first, third), tail in product(_forms(head), [tuple(rest)]):
                entry = ((form, *tail), Verb(predicate, kind, first, third))
                table.setdefault(form, []).append(entry)
    for entries in table.values():
        entries.sort(key=lambda entry: -len(entry[0]))
    return table


VERBS: Final = _table()
