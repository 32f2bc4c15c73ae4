-- What the migration runner stores besides yoyo's own tables. yoyo records the name of an applied
-- migration but not its text, so it cannot notice that a file was edited later.

SET LOCAL lock_timeout = '5s';

CREATE TABLE migration_checksums (
    migration_id text NOT NULL,
    checksum text NOT NULL,
    CONSTRAINT migration_checksums_pkey PRIMARY KEY (migration_id),
    CONSTRAINT migration_checksums_checksum_check CHECK (checksum ~ '^[0-9a-f]{64}$')
);

COMMENT ON TABLE migration_checksums IS
'A digest of each applied migration, so that a later edit of its file is noticed';
COMMENT ON COLUMN migration_checksums.migration_id IS 'Name of the file, without .sql';
COMMENT ON COLUMN migration_checksums.checksum IS 'SHA-256 of the migration file, in hex';

CREATE FUNCTION holds_rows(relation regclass) RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    answer boolean;
BEGIN
    -- The lock keeps the result true until the end of the transaction.
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', holds_rows.relation);
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', holds_rows.relation) INTO answer;
    RETURN answer;
END;
$$;

COMMENT ON FUNCTION holds_rows(regclass) IS
'Locks a table and returns whether it has any row; used before a rollback drops the table';
