"""Full-text search beside LangGraph's own `store` table, kept by triggers in the same transaction.

`indexed` names what is searchable and marks what still wants a vector, with its text where that is
not the "text" of the value (see item_text.py); `words` holds the text, one row per `indexed.id`;
`index_fields` holds what a put said of the search, where it said something; `gone` names what is no
longer there, and marks what may have a vector. Numbers are never used twice, so that whoever knows
the highest ones knows what it has not seen.
"""

_TEXT = "json_extract(CAST({0}.value AS TEXT), '$.{1}')"
_IS_TEXT = "json_type(CAST({0}.value AS TEXT), '$.text') = 'text'"
_FIRST = "substr({0}.prefix, 1, instr({0}.prefix || '.', '.') - 1)"
_TWO = (
    "substr({0}.prefix, 1, length({1}) + instr(substr({0}.prefix || '..', length({1}) + 2), '.'))"
)
_OWNER = "(SELECT id FROM spaces WHERE name = {0})"


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
    owner INTEGER NOT NULL,
    pending INTEGER NOT NULL,
    text TEXT,
    UNIQUE (prefix, key)
);
CREATE TABLE IF NOT EXISTS index_fields (
    prefix TEXT NOT NULL, key TEXT NOT NULL, fields TEXT NOT NULL, PRIMARY KEY (prefix, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS indexed_pending ON indexed (id) WHERE pending;
CREATE INDEX IF NOT EXISTS indexed_owner ON indexed (owner, id);
CREATE TABLE IF NOT EXISTS spaces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS gone (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    pending INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS gone_pending ON gone (seq) WHERE pending;
CREATE INDEX IF NOT EXISTS gone_owner ON gone (owner, seq);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (
    spaces, text, before, tokenize = "porter unicode61 remove_diacritics 2"
);
CREATE TRIGGER IF NOT EXISTS store_put AFTER INSERT ON store WHEN {_IS_TEXT.format("new")}
BEGIN
    {_number_spaces("new")}
    INSERT INTO indexed (prefix, key, owner, pending)
    VALUES (new.prefix, new.key, {_OWNER.format(_FIRST.format("new"))}, 1);
    INSERT INTO words (rowid, spaces, text, before)
    SELECT id, {_put_words("new")} FROM indexed WHERE prefix = new.prefix AND key = new.key;
END;
DROP TRIGGER IF EXISTS store_gone;
CREATE TRIGGER store_gone AFTER DELETE ON store
BEGIN
    DELETE FROM index_fields WHERE prefix = old.prefix AND key = old.key;
    DELETE FROM indexed WHERE prefix = old.prefix AND key = old.key;
END;
CREATE TRIGGER IF NOT EXISTS indexed_gone AFTER DELETE ON indexed
BEGIN
    DELETE FROM words WHERE rowid = old.id;
    INSERT INTO gone (id, owner, pending) VALUES (old.id, old.owner, 1);
END;
"""

REBUILD = [
    "DELETE FROM indexed",
    "INSERT INTO indexed (prefix, key, owner, pending) "
    f"SELECT prefix, key, {_OWNER.format(_FIRST.format('store'))}, 1 "
    f"FROM store WHERE {_IS_TEXT.format('store')} AND (prefix, key) NOT IN "
    "(SELECT prefix, key FROM index_fields)",
    "INSERT INTO words (rowid, spaces, text, before) "
    f"SELECT indexed.id, {_put_words('store')} FROM indexed JOIN store USING (prefix, key)",
]
UPGRADE = [
    # What an earlier version did not index although it has a text was put with index=False.
    "INSERT OR IGNORE INTO index_fields (prefix, key, fields) SELECT prefix, key, 'false' "
    "FROM store WHERE CASE WHEN json_valid(CAST(value AS TEXT)) "
    f"THEN {_IS_TEXT.format('store')} END "
    "AND NOT EXISTS (SELECT 1 FROM indexed AS i "
    "WHERE i.prefix = store.prefix AND i.key = store.key)",
]
"""What databases of version 1 want, before the texts of their other items are indexed."""
