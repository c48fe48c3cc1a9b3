"""The prompt of an extraction: a first part that never changes, then the messages and facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from threadkeep.base.clock import as_local
from threadkeep.base.fences import one_line
from threadkeep.base.predicates import predicate_table

MAX_EARLIER = 4
MAX_EARLIER_CHARACTERS = 500

_INSTRUCTIONS = """Note what the message says about the life of the user: people, places, \
organisations, animals, things, preferences, dates, plans.

claims: one for each subject, predicate and object; a list of three things is three claims.
- subject: "{user}" for whoever writes as I, else the name that the known facts use. Resolve \
"she", "there" and "the same place" by the earlier messages.
- predicate: one of the table below where one fits, else two or three words in English.
- object: short, in the language of the message; names, numbers, money and codes as written.
- valid_from, valid_to: YYYY, YYYY-MM or YYYY-MM-DD as exact as the message is, counted from the \
day it was written; valid_to is the first time at which it holds no longer; null if not said. \
precision tells which of the three it is.
- polarity: "negative" for what is not so, or is so no longer.
- status: "planned" for what is intended, its date in valid_from; "cancelled" for a plan that is \
off; "corrected" where the writer takes back something said in error, with the wrong object in \
replaces; else "asserted".
- message: the number of the message that says it.
ends: ids of known facts that hold no longer by what the message says; only ids that are listed.
entities: those that have a name.

Leave out: questions and what they presuppose; conditions, wishes, dreams, guesses; quotations, \
translations, code, texts to be corrected; role play, fiction, jokes, sarcasm; what other people \
say of themselves; what the assistant said; small talk; anything that the message does not say.

Predicates with one object at a time: {single}.
Predicates with any number of objects: {many}.
Events: {events}.

Examples, written on Monday 2026-03-02:
"We moved to Ghent last May, before that we were in Antwerp." -> \
user | moved to | Ghent | valid_from 2025-05, precision month; \
user | lives in | Antwerp | valid_to 2025-05, precision month
"Ab Juli arbeite ich nicht mehr bei Bosch." with [f2] user works at Bosch -> \
user | works at | Bosch | negative, valid_from 2026-07, planned; ends: none before July
"Mi hermana Lucía tiene dos gatos, Sol y Nube." -> \
user | sister | Lucía; Lucía | cat | Sol; Lucía | cat | Nube
"Non, mon rendez-vous est le 6, pas le 5." with [f1] appointment is on 2026-03-05 -> \
appointment | is on | 2026-03-06 | corrected, replaces 2026-03-05
"Marta and I got divorced." with [f3] user married to Marta -> \
user | divorced from | Marta; ends: f3
"If I lived in Rome, would I need a car?" -> nothing
"""
_BRIEF = """Note what the message says about people, places, organisations, preferences and plans, \
as entities and as claims (subject, predicate, object). The writer is the subject "user". Leave \
out questions, conditions and quotations.
"""

_MESSAGES = """
Today is {weekday} {day}.

<earlier_messages>
{earlier}
</earlier_messages>

<known_facts>
{facts}
</known_facts>

<messages>
{messages}
</messages>"""


@dataclass(frozen=True)
class NewMessage:
    """A message to note."""

    id: str
    text: str
    time: datetime
    speaker: str


def extraction_prompt(
    messages: Sequence[NewMessage],
    *,
    earlier: Sequence[str],
    facts: Mapping[str, str],
) -> str:
    """Return the prompt for new messages, the oldest first.

    `earlier` are lines of the messages before them; `facts` are sentences by the id that is shown.
    """
    now = as_local(messages[-1].time)
    rest = _MESSAGES.format(
        weekday=f"{now:%A}",
        day=now.date().isoformat(),
        earlier="\n".join(one_line(line)[:MAX_EARLIER_CHARACTERS] for line in earlier) or "none",
        facts="\n".join(f"[{id_}] {one_line(text)}" for id_, text in facts.items()) or "none",
        messages="\n".join(_numbered(number, m) for number, m in enumerate(messages, 1)),
    )
    return f"{instructions()}{rest}"


def brief_prompt(messages: Sequence[NewMessage]) -> str:
    """Return a prompt for a context window that has no room for all instructions."""
    day = as_local(messages[-1].time)
    lines = "\n".join(_numbered(number, m) for number, m in enumerate(messages, 1))
    return f"{_BRIEF}Today is {day:%A} {day.date().isoformat()}.\n\n{lines}"


def instructions() -> str:
    """Return the first part, the same in every prompt with one table of predicates."""
    predicates = predicate_table().predicates
    states = {name: item for name, item in predicates.items() if not item.event}
    return _INSTRUCTIONS.format(
        user="user",
        single=", ".join(name for name, item in states.items() if item.single),
        many=", ".join(name for name, item in states.items() if not item.single),
        events=", ".join(name for name, item in predicates.items() if item.event),
    )


def _numbered(number: int, message: NewMessage) -> str:
    local = as_local(message.time)
    day = f"{local:%A} {local.date().isoformat()}"
    return f"[{number}] {one_line(message.speaker)} on {day}: {one_line(message.text)}"
