"""Full-text search beside LangGraph's own `store` table, kept by triggers in the same transaction.

`indexed` names what is searchable and marks what still wants a vector; `words` holds the text,
one row per `indexed.id`; `vectors_gone` names vectors whose item is no longer there.
"""

import re
from collections.abc import Sequence

from aiosqlite import Connection

Namespace = tuple[str, ...]
Hit = tuple[int, float]
"""`indexed.id` and the score, the higher the better."""

TERMS = 12
TEXT_WEIGHT, BEFORE_WEIGHT = 3.0, 1.0

_TEXT = "json_extract(CAST({0}.value AS TEXT), '$.{1}')"
_IS_TEXT = "json_type(CAST({0}.value AS TEXT), '$.text') = 'text'"
_FIRST = "substr({0}.prefix, 1, instr({0}.prefix || '.', '.') - 1)"
_TWO = (
    "substr({0}.prefix, 1, length({1}) + instr(substr({0}.prefix || '..', length({1}) + 2), '.'))"
)


def _spaces(row: str) -> list[str]:
    """Return SQL for the namespaces that a row can be searched by: one label, two, and all."""
    first = _FIRST.format(row)
    return [first, _TWO.format(row, first), f"{row}.prefix"]


def _number_spaces(row: str) -> str:
    """Return SQL that gives each of the row's namespaces a number, unless it has one."""
    # Not INSERT OR IGNORE: inside a trigger, the outer INSERT OR REPLACE would overrule it.
    return "\n".join(
        f"INSERT INTO spaces (name) SELECT {name} "
        f"WHERE NOT EXISTS (SELECT 1 FROM spaces WHERE name = {name});"
        for name in _spaces(row)
    )


def _put_words(row: str) -> str:
    """Return the columns of a row of `words`: the numbers of its namespaces, and its text."""
    numbers = " || ' ' || ".join(
        f"'s' || (SELECT id FROM spaces WHERE name = {name})" for name in _spaces(row)
    )
    before = _TEXT.format(row, "before")
    return f"{numbers}, {_TEXT.format(row, 'text')}, coalesce({before}, '')"


SCHEMA = f"""
CREATE TABLE IF NOT EXISTS indexed (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    prefix TEXT NOT NULL,
    key TEXT NOT NULL,
    pending INTEGER NOT NULL,
    UNIQUE (prefix, key)
);
CREATE INDEX IF NOT EXISTS indexed_pending ON indexed (id) WHERE pending;
CREATE TABLE IF NOT EXISTS spaces (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS vectors_gone (id INTEGER PRIMARY KEY, prefix TEXT NOT NULL);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (
    spaces, text, before, tokenize = "porter unicode61 remove_diacritics 2"
);
CREATE TRIGGER IF NOT EXISTS store_put AFTER INSERT ON store WHEN {_IS_TEXT.format("new")}
BEGIN
    {_number_spaces("new")}
    INSERT INTO indexed (prefix, key, pending) VALUES (new.prefix, new.key, 1);
    INSERT INTO words (rowid, spaces, text, before)
    SELECT id, {_put_words("new")} FROM indexed WHERE prefix = new.prefix AND key = new.key;
END;
CREATE TRIGGER IF NOT EXISTS store_gone AFTER DELETE ON store
BEGIN
    DELETE FROM indexed WHERE prefix = old.prefix AND key = old.key;
END;
CREATE TRIGGER IF NOT EXISTS indexed_gone AFTER DELETE ON indexed
BEGIN
    DELETE FROM words WHERE rowid = old.id;
    INSERT INTO vectors_gone (id, prefix) VALUES (old.id, old.prefix);
END;
"""

REBUILD = [
    "DELETE FROM indexed",
    "INSERT INTO indexed (prefix, key, pending) "
    f"SELECT prefix, key, 1 FROM store WHERE {_IS_TEXT.format('store')}",
    "INSERT INTO words (rowid, spaces, text, before) "
    f"SELECT indexed.id, {_put_words('store')} FROM indexed JOIN store USING (prefix, key)",
]

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


def match(space: int, words: Sequence[str]) -> str:
    """Return an FTS5 expression; every word is quoted, so that a query is never syntax."""
    wanted = " OR ".join(_term(word) for word in words)
    return f'spaces:"s{space}" AND {{text before}}:({wanted})'


async def search(conn: Connection, below: Namespace, query: str, limit: int) -> list[Hit]:
    """Return the best items below a namespace that share a telling word with the query.

    Namespaces of one label, of two and of a whole prefix are exact; others may bring items from
    beside them, which the caller leaves out.
    """
    words = terms(query)
    space = await _space(conn, below)
    if not words or space is None:
        return []
    rows = await conn.execute_fetchall(
        f"SELECT rowid, -bm25(words, 0.0, {TEXT_WEIGHT}, {BEFORE_WEIGHT}) AS score FROM words "
        "WHERE words MATCH ? ORDER BY score DESC, rowid LIMIT ?",
        (match(space, words), limit),
    )
    return [(int(row[0]), float(row[1])) for row in rows]


async def _space(conn: Connection, below: Namespace) -> int | None:
    """Return the number of the namespace; of the two labels above where it has none of its own."""
    names = [".".join(below), ".".join(below[:2])] if below else []
    for name in dict.fromkeys(names):
        for row in await conn.execute_fetchall("SELECT id FROM spaces WHERE name = ?", (name,)):
            return int(row[0])
    return None


def _term(word: str) -> str:
    # Scripts without spaces are one long token: the beginning of a run is the best we can match.
    star = "*" if re.search(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", word) else ""
    return f'"{word}"{star}'
