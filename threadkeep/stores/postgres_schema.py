"""Full-text search beside LangGraph's own `store` table on PostgreSQL, kept by triggers.

The same tables as on SQLite (see sqlite_schema.py): `indexed` names what is searchable with its
words and marks what still wants a vector, `gone` names what is no longer there. Numbers are never
used twice; those of one owner become visible in their order, since a transaction that takes one
holds back the others of that owner until it is over.
"""

VERSION = 4
WORDS_VERSION = 3
"""The first version whose words have no accents."""
FORGOTTEN = {"TK002": True, "TK003": False}
"""SQLSTATE of what is refused (see tombstones.py), and whether it is being forgotten right now."""
SCHEMA = r"""
CREATE TABLE IF NOT EXISTS threadkeep (version int NOT NULL);
CREATE TABLE IF NOT EXISTS owners (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS indexed (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    prefix text NOT NULL,
    key text NOT NULL,
    owner bigint NOT NULL,
    pending boolean NOT NULL DEFAULT true,
    words tsvector NOT NULL,
    UNIQUE (prefix, key)
);
ALTER TABLE indexed ADD COLUMN IF NOT EXISTS text text;
CREATE TABLE IF NOT EXISTS index_fields (
    prefix text NOT NULL, key text NOT NULL, fields text NOT NULL, PRIMARY KEY (prefix, key)
);
CREATE INDEX IF NOT EXISTS indexed_pending ON indexed (id) WHERE pending;
CREATE INDEX IF NOT EXISTS indexed_owner ON indexed (owner, id);
CREATE INDEX IF NOT EXISTS indexed_words ON indexed USING gin (words);
CREATE TABLE IF NOT EXISTS gone (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id bigint NOT NULL,
    owner bigint NOT NULL,
    pending boolean NOT NULL DEFAULT true
);
CREATE INDEX IF NOT EXISTS gone_pending ON gone (seq) WHERE pending;
CREATE INDEX IF NOT EXISTS gone_owner ON gone (owner, seq);
-- LangGraph keeps whole minutes, so that half a minute would become none when it is extended.
ALTER TABLE store ALTER COLUMN ttl_minutes TYPE double precision;

CREATE OR REPLACE FUNCTION folded(said text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF getdatabaseencoding() <> 'UTF8' THEN
        RETURN said;
    END IF;
    RETURN normalize(regexp_replace(normalize(said, NFD), '[\u0300-\u036f]', '', 'g'), NFC);
END $$;

CREATE OR REPLACE FUNCTION words_of(said text, before text, owner bigint)
RETURNS tsvector LANGUAGE sql STABLE AS $$
    SELECT setweight(to_tsvector('english', folded(left(coalesce(said, ''), 100000))), 'A')
        || setweight(to_tsvector('english', folded(left(coalesce(before, ''), 20000))), 'B')
        || array_to_tsvector(ARRAY['owner' || owner])
$$;

CREATE OR REPLACE FUNCTION words_of(value jsonb, owner bigint)
RETURNS tsvector LANGUAGE sql STABLE AS $$
    SELECT words_of(value ->> 'text', value ->> 'before', owner)
$$;

CREATE OR REPLACE FUNCTION index_item() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    named text;
    numbered bigint;
    had_fields boolean := false;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM index_fields WHERE prefix = old.prefix AND key = old.key;
        had_fields := FOUND;
    END IF;
    IF TG_OP = 'UPDATE' AND NOT had_fields AND new.value = old.value AND EXISTS (
        SELECT 1 FROM indexed WHERE prefix = new.prefix AND key = new.key
    ) THEN
        RETURN NULL;
    END IF;
    named := split_part(coalesce(new.prefix, old.prefix), '.', 1);
    PERFORM pg_advisory_xact_lock(hashtextextended('threadkeep ' || named, 0));
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM indexed WHERE prefix = old.prefix AND key = old.key;
    END IF;
    IF TG_OP <> 'DELETE' AND jsonb_typeof(new.value -> 'text') = 'string' THEN
        INSERT INTO owners (name) VALUES (named) ON CONFLICT DO NOTHING;
        SELECT id INTO numbered FROM owners WHERE name = named;
        INSERT INTO indexed (prefix, key, owner, words)
        VALUES (new.prefix, new.key, numbered, words_of(new.value, numbered));
    END IF;
    RETURN NULL;
END $$;

-- Index a text that is not the "text" of a value, see item_text.py; none if it is null.
CREATE OR REPLACE FUNCTION index_text(at_prefix text, at_key text, said text, paths text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    named text := split_part(at_prefix, '.', 1);
    numbered bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('threadkeep ' || named, 0));
    IF paths IS NULL AND EXISTS (
        SELECT 1 FROM indexed AS i
        WHERE i.prefix = at_prefix AND i.key = at_key AND i.text = said
    ) THEN
        RETURN;
    END IF;
    DELETE FROM indexed WHERE prefix = at_prefix AND key = at_key;
    IF paths IS NOT NULL THEN
        INSERT INTO index_fields VALUES (at_prefix, at_key, paths)
        ON CONFLICT (prefix, key) DO UPDATE SET fields = excluded.fields;
    END IF;
    IF said IS NOT NULL THEN
        INSERT INTO owners (name) VALUES (named) ON CONFLICT DO NOTHING;
        SELECT id INTO numbered FROM owners WHERE name = named;
        INSERT INTO indexed (prefix, key, owner, text, words)
        VALUES (at_prefix, at_key, numbered, said, words_of(said, '', numbered));
    END IF;
END $$;

CREATE OR REPLACE FUNCTION note_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO gone (id, owner) VALUES (old.id, old.owner);
    RETURN NULL;
END $$;

-- The lock is the one that whoever forgets takes: either it sees this write, or this its mark.
CREATE OR REPLACE FUNCTION refuse_forgotten(users text[], marks text[], stands_on text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE mark jsonb;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('threadkeep forgets ' || one, 0))
    FROM unnest(users) AS one;
    FOR mark IN SELECT value FROM store WHERE prefix = 'threadkeep.forgotten' AND key = ANY(marks)
    LOOP
        IF (mark ->> 'open')::boolean THEN
            RAISE EXCEPTION 'this is being forgotten' USING ERRCODE = 'TK002';
        END IF;
        IF stands_on <> '' AND (mark ->> 'at') COLLATE "C" > stands_on COLLATE "C" THEN
            RAISE EXCEPTION 'this was forgotten' USING ERRCODE = 'TK003';
        END IF;
    END LOOP;
END $$;

CREATE OR REPLACE TRIGGER store_changed AFTER INSERT OR DELETE OR UPDATE OF value ON store
FOR EACH ROW EXECUTE FUNCTION index_item();
CREATE OR REPLACE TRIGGER indexed_gone AFTER DELETE ON indexed
FOR EACH ROW EXECUTE FUNCTION note_gone()
"""

REWORD = (
    "UPDATE indexed AS i SET words = words_of(s.value, i.owner) FROM store AS s "
    "WHERE s.prefix = i.prefix AND s.key = i.key"
)
"""What an older version's words want: they had kept their accents until version 3."""
UPGRADE = (
    "INSERT INTO index_fields (prefix, key, fields) SELECT s.prefix, s.key, 'false' "
    "FROM store AS s WHERE jsonb_typeof(s.value -> 'text') = 'string' "
    "AND NOT EXISTS (SELECT 1 FROM indexed AS i "
    "WHERE i.prefix = s.prefix AND i.key = s.key) ON CONFLICT DO NOTHING"
)
"""What an earlier version did not index although it has a text was put with index=False."""
REBUILD = [
    "LOCK TABLE store IN SHARE ROW EXCLUSIVE MODE",
    "DELETE FROM indexed",
    "INSERT INTO owners (name) SELECT DISTINCT split_part(prefix, '.', 1) FROM store "
    "WHERE jsonb_typeof(value -> 'text') = 'string' ON CONFLICT DO NOTHING",
    "INSERT INTO indexed (prefix, key, owner, words) "
    "SELECT s.prefix, s.key, o.id, words_of(s.value, o.id) FROM store AS s "
    "JOIN owners AS o ON o.name = split_part(s.prefix, '.', 1) "
    "WHERE jsonb_typeof(s.value -> 'text') = 'string' AND NOT EXISTS (SELECT 1 FROM index_fields "
    "AS f WHERE f.prefix = s.prefix AND f.key = s.key) ORDER BY s.created_at, s.prefix, s.key",
]
