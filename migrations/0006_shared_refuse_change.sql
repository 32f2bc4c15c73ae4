-- The trigger function that makes a table append-only. Such a table has two triggers with it: one
-- for UPDATE and DELETE, and one for TRUNCATE, which fires no row triggers.
-- depends: 0001_migrations_checksums

SET LOCAL lock_timeout = '5s';

CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: its rows are only ever added',
        tg_op, tg_table_schema, tg_table_name
    USING
        ERRCODE = 'restrict_violation',
        HINT = 'Append a new event that says what is true now; the old one stays as it was said.';
END;
$$;

COMMENT ON FUNCTION refuse_change() IS
'Trigger of append-only tables: refuses UPDATE, DELETE and TRUNCATE from any role';
