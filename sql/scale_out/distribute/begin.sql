-- Begins a step of distribute or undistribute: lets Citus carry triggers to the shards, and lets it
-- change one shard after the other, which it needs for several changes in one transaction.
-- params: none
-- index: none
-- locks: none
-- returns: the settings that are now in force, until the transaction ends
SELECT
    set_config('citus.enable_unsafe_triggers', 'on', TRUE) AS unsafe_triggers,
    set_config('citus.multi_shard_modify_mode', 'sequential', TRUE) AS modify_mode,
    set_config('client_min_messages', 'warning', TRUE) AS messages;
