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

TERMS = 32
TEXT_WEIGHT, BEFORE_WEIGHT = 3.0, 1.0

_OWNER = "hex(substr({0}.prefix, 1, instr({0}.prefix || '.', '.') - 1))"
_TEXT = "json_extract(CAST({0}.value AS TEXT), '$.{1}')"

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS indexed (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    prefix TEXT NOT NULL,
    key TEXT NOT NULL,
    pending INTEGER NOT NULL,
    UNIQUE (prefix, key)
);
CREATE INDEX IF NOT EXISTS indexed_pending ON indexed (id) WHERE pending;
CREATE TABLE IF NOT EXISTS vectors_gone (id INTEGER PRIMARY KEY, prefix TEXT NOT NULL);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (
    owner, text, before, tokenize = "porter unicode61 remove_diacritics 2"
);
CREATE TRIGGER IF NOT EXISTS store_put AFTER INSERT ON store
WHEN json_type(CAST(new.value AS TEXT), '$.text') = 'text'
BEGIN
    INSERT INTO indexed (prefix, key, pending) VALUES (new.prefix, new.key, 1);
    INSERT INTO words (rowid, owner, text, before)
    SELECT id, {_OWNER.format("new")}, {_TEXT.format("new", "text")},
           coalesce({_TEXT.format("new", "before")}, '')
    FROM indexed WHERE prefix = new.prefix AND key = new.key;
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

REBUILD = f"""
DELETE FROM indexed;
INSERT INTO indexed (prefix, key, pending)
SELECT prefix, key, 1 FROM store WHERE json_type(CAST(value AS TEXT), '$.text') = 'text';
INSERT INTO words (rowid, owner, text, before)
SELECT indexed.id, {_OWNER.format("store")}, {_TEXT.format("store", "text")},
       coalesce({_TEXT.format("store", "before")}, '')
FROM indexed JOIN store USING (prefix, key);
"""

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
    return (telling or words)[:TERMS]


def match(owner: str, words: Sequence[str]) -> str:
    """Return an FTS5 expression; every word is quoted, so that a query is never syntax."""
    wanted = " OR ".join(_term(word) for word in words)
    return f'owner:"{owner.encode().hex().upper()}" AND {{text before}}:({wanted})'


async def search(conn: Connection, prefix: Namespace, query: str, limit: int) -> list[Hit]:
    """Return the best items below `prefix` that share a telling word with the query."""
    words = terms(query)
    if not words or not prefix:
        return []
    text = ".".join(prefix)
    rows = await conn.execute_fetchall(
        f"SELECT i.id, -bm25(words, 0.0, {TEXT_WEIGHT}, {BEFORE_WEIGHT}) AS score "
        "FROM words CROSS JOIN indexed AS i ON i.id = words.rowid WHERE words MATCH ? "
        "AND (i.prefix = ? OR (i.prefix >= ? AND i.prefix < ?)) ORDER BY score DESC, i.id LIMIT ?",
        (match(prefix[0], words), text, f"{text}.", f"{text}/", limit),
    )
    return [(int(row[0]), float(row[1])) for row in rows]


def _term(word: str) -> str:
    # Scripts without spaces are one long token: the beginning of a run is the best we can match.
    star = "*" if re.search(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", word) else ""
    return f'"{word}"{star}'
