"""Which words of a query say what it is about."""

import re

TERMS = 12

# Words that carry a question rather than its subject.
QUESTION_WORDS = frozenset(
    """a about am an and any are as at be been but by can could d did do does doing for from had
    has have he her hers him his how i if in into is it its ll m me my mine no not of on or our
    ours out over please re s shall she should so some such t tell than that the their them then
    there these they this those to too up us ve was we were what when where which who whom whose
    why will with would you your yours""".split()
)


def terms(query: str) -> list[str]:
    """Return the words of a query that say what it is about; all of them where none does."""
    words = list(dict.fromkeys(re.findall(r"\w+", query.lower())))
    telling = [word for word in words if word not in QUESTION_WORDS]
    # Of a long message the longer words are kept: they are the rarer ones, and cost the least.
    return sorted(telling or words, key=len, reverse=True)[:TERMS]


def is_unspaced(word: str) -> bool:
    """Tell whether the word is of a script without spaces, where a run of them is one token."""
    return bool(re.search(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", word))
