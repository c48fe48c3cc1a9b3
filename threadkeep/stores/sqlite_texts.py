"""Index the texts on SQLite that the triggers do not."""

from collections.abc import AsyncIterator, Iterable

import aiosqlite
import orjson

from threadkeep.stores.item_text import ItemText, stored_text
from threadkeep.stores.namespaces import INTERNAL

ROWS = 500
NUMBER_SPACE = (
    "INSERT INTO spaces (name) SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM spaces WHERE name = ?1)"
)


async def put_texts(conn: aiosqlite.Connection, texts: Iterable[ItemText]) -> None:
    """Index texts in the caller's transaction, in place of what is indexed of their items."""
    for prefix, key, text, fields in texts:
        await conn.execute("DELETE FROM indexed WHERE prefix = ? AND key = ?", (prefix, key))
        if fields is not None:
            await conn.execute(
                "INSERT OR REPLACE INTO index_fields VALUES (?, ?, ?)", (prefix, key, fields)
            )
        if text is None:
            continue
        names = _spaces(prefix)
        await conn.executemany(NUMBER_SPACE, [(name,) for name in names])
        await conn.execute(
            "INSERT INTO indexed (prefix, key, owner, pending, text) "
            "VALUES (?, ?, (SELECT id FROM spaces WHERE name = ?), 1, ?)",
            (prefix, key, names[0], text),
        )
        numbers = " || ' ' || ".join(["'s' || (SELECT id FROM spaces WHERE name = ?)"] * 3)
        await conn.execute(
            f"INSERT INTO words (rowid, spaces, text, before) SELECT id, {numbers}, ?, '' "
            "FROM indexed WHERE prefix = ? AND key = ?",
            (*names, text, prefix, key),
        )


async def put_stored_texts(conn: aiosqlite.Connection) -> None:
    """Index the texts of all items that the triggers do not, in the caller's transaction."""
    async for texts in _pages(conn):
        await put_texts(conn, texts)


async def _pages(conn: aiosqlite.Connection) -> AsyncIterator[list[ItemText]]:
    after = 0
    while True:
        rows = list(
            await conn.execute_fetchall(
                "SELECT s.rowid, s.prefix, s.key, s.value, f.fields FROM store AS s "
                "LEFT JOIN index_fields AS f ON f.prefix = s.prefix AND f.key = s.key "
                "WHERE s.rowid > ? AND s.prefix <> ? AND s.prefix NOT GLOB ? "
                f"ORDER BY s.rowid LIMIT {ROWS}",
                (after, INTERNAL, f"{INTERNAL}.*"),
            )
        )
        if not rows:
            return
        after = int(rows[-1][0])
        texts = [_stored_text(*row[1:]) for row in rows]
        yield [text for text in texts if text is not None]


def _stored_text(prefix: str, key: str, content: bytes, fields: str | None) -> ItemText | None:
    try:
        value = orjson.loads(content)
    except ValueError:
        return None  # A damaged record is set aside by whoever reads it.
    return stored_text(prefix, key, value, fields) if isinstance(value, dict) else None


def _spaces(prefix: str) -> list[str]:
    """Return the namespaces that an item can be searched by: one label, two, and all."""
    labels = prefix.split(".")
    return [labels[0], ".".join(labels[:2]), prefix]
