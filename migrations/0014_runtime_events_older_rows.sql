-- Reads the runtime_events table of an older service, which migrate has moved aside. The name is
-- only known at run time, and no SQL is built outside the database.
-- depends: 0005_runtime_events_table

SET LOCAL lock_timeout = '5s';

CREATE FUNCTION older_runtime_events(
    relation regclass, after text, row_limit integer, byte_limit integer
)
RETURNS TABLE (id text, event text)
LANGUAGE plpgsql
STABLE
SET timezone = 'UTC'
SET extra_float_digits = 1
AS $$
DECLARE
    bytes bigint := 0;
BEGIN
    -- After the page before, in the order of the primary key.
    FOR id, event IN EXECUTE format(
        'SELECT older.id, row_to_json(older.*) FROM %s AS older'
        ' WHERE $1 IS NULL OR older.id > $1 ORDER BY older.id LIMIT $2',
        older_runtime_events.relation
    ) USING older_runtime_events.after, older_runtime_events.row_limit
    LOOP
        RETURN NEXT;
        bytes := bytes + octet_length(event);
        EXIT WHEN bytes >= older_runtime_events.byte_limit;
    END LOOP;
END;
$$;

COMMENT ON FUNCTION older_runtime_events(regclass, text, integer, integer) IS
'A page of an older service''s events, each with its id and as JSON; ends early after byte_limit';
