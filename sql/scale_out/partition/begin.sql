-- Prepares the rest of a transaction that changes runtime_events: what it makes belongs to the
-- owner of the table and is in its schema. It waits for a lock no longer than given, because
-- requests queue behind one that waits.
-- params: lock_timeout (a duration such as 200ms; 0: as long as it takes)
-- index: system catalogue
-- locks: none
-- returns: the settings that are now in force
SELECT
    set_config('lock_timeout', %(lock_timeout)s, TRUE) AS lock_timeout,
    set_config('TimeZone', 'UTC', TRUE) AS time_zone,
    set_config('DateStyle', 'ISO', TRUE) AS date_style,
    set_config('search_path', quote_ident(pg_namespace.nspname) || ', pg_temp', TRUE) AS path,
    set_config('role', pg_get_userbyid(pg_class.relowner), TRUE) AS role
FROM pg_class
INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
WHERE pg_class.oid = to_regclass('runtime_events');
