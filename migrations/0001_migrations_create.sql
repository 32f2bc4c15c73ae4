-- What the migration runner needs beside yoyo's own tables: yoyo remembers the name of an
-- applied migration but not its text, and can't say whether a table holds rows.

SET LOCAL lock_timeout = '5s';

CREATE TABLE migration_checksums (
    migration_id text PRIMARY KEY,
    checksum text NOT NULL CHECK (checksum ~ '^[0-9a-f]{64}$')
);

COMMENT ON TABLE migration_checksums IS
'The text that each applied migration had, so that a later edit of its file is noticed';
COMMENT ON COLUMN migration_checksums.checksum IS 'SHA-256 of the migration file, in hex';

CREATE FUNCTION holds_rows(relation regclass) RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    answer boolean;
BEGIN
    -- Locked first, so that the answer stays true until the end of the transaction.
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', holds_rows.relation);
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', holds_rows.relation) INTO answer;
    RETURN answer;
END;
$$;

COMMENT ON FUNCTION holds_rows(regclass) IS
'Locks a table and tells whether it holds any row: asked before a rollback drops it';
