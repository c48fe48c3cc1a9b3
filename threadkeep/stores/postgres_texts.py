"""Index the texts on PostgreSQL that the triggers do not."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from threadkeep.stores.item_text import ItemText, stored_text
from threadkeep.stores.namespaces import INTERNAL

if TYPE_CHECKING:
    from threadkeep.base.postgres import Connection

ROWS = 500
PUT_TEXTS = (
    "SELECT index_text(prefix, key, said, paths) FROM unnest(%s::text[], %s::text[], %s::text[], "
    "%s::text[]) AS texts (prefix, key, said, paths)"
)


async def put_texts(conn: "Connection", texts: Sequence[ItemText]) -> None:
    """Index texts in the caller's transaction, in place of what is indexed of their items."""
    if texts:
        columns = [list(column) for column in zip(*texts, strict=True)]
        await conn.execute(PUT_TEXTS, columns)


async def put_stored_texts(conn: "Connection") -> None:
    """Index the texts of all items that the triggers do not, in the caller's transaction."""
    prefix = key = ""
    while True:
        cursor = await conn.execute(
            "SELECT s.prefix, s.key, s.value, f.fields FROM store AS s "
            "LEFT JOIN index_fields AS f ON f.prefix = s.prefix AND f.key = s.key "
            "WHERE (s.prefix, s.key) > (%s, %s) AND split_part(s.prefix, '.', 1) <> %s "
            f"ORDER BY s.prefix, s.key LIMIT {ROWS}",
            (prefix, key, INTERNAL),
        )
        rows = await cursor.fetchall()
        if not rows:
            return
        prefix, key = rows[-1]["prefix"], rows[-1]["key"]
        texts = [
            stored_text(row["prefix"], row["key"], row["value"], row["fields"]) for row in rows
        ]
        await put_texts(conn, [text for text in texts if text is not None])
