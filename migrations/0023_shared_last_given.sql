-- Reads a sequence without the right to SELECT from it, which few roles for a service have.
-- depends: 0001_migrations_checksums

SET LOCAL lock_timeout = '5s';

CREATE FUNCTION last_given(sequence regclass) RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given bigint;
BEGIN
    -- Of nothing but a sequence: a view would run its functions with the rights of this one.
    IF EXISTS (SELECT FROM pg_class WHERE oid = last_given.sequence AND relkind = 'S') THEN
        -- pg_sequence_last_value() does not know where a sequence that was not called begins.
        EXECUTE format(
            'SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM %s',
            last_given.sequence
        ) INTO given;
    END IF;
    RETURN given;
END;
$$;

-- A role that could write before still can, also where a DBA has revoked the usual right.
GRANT EXECUTE ON FUNCTION last_given(regclass) TO public;

COMMENT ON FUNCTION last_given(regclass) IS
'The value that a sequence gave last, or the one below its first; NULL: no sequence';
