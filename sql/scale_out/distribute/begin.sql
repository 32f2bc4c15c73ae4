-- Begins a step of distribute or undistribute: lets Citus carry triggers to the shards, and lets it
-- change one shard after the other, which it needs for several changes in one transaction. What the
-- step makes is in the schema of the tables, and no function of it looks into another one.
-- Requests queue behind a LOCK that waits, so it waits for a moment; the step sets no limit then.
-- params: none
-- index: none
-- locks: none
-- returns: the settings that are now in force, until the transaction ends
SELECT
    set_config('lock_timeout', '200ms', TRUE) AS lock_timeout,
    set_config('search_path', quote_ident(current_schema()) || ', pg_temp', TRUE) AS path,
    set_config('citus.enable_unsafe_triggers', 'on', TRUE) AS unsafe_triggers,
    set_config('citus.multi_shard_modify_mode', 'sequential', TRUE) AS modify_mode,
    set_config('client_min_messages', 'warning', TRUE) AS messages;
