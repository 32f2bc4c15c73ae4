-- Lists the applied migrations, with the checksum that each file had when it was applied.
-- params: none
-- index: migration_checksums_pkey; yoyo's table has one row per migration
-- locks: none
-- returns: migration_id, applied_at_utc and checksum (hex SHA-256; NULL when unknown), in order
SELECT
    applied.migration_id,
    applied.applied_at_utc,
    recorded.checksum
FROM _yoyo_migration AS applied
LEFT JOIN migration_checksums AS recorded ON applied.migration_id = recorded.migration_id
ORDER BY applied.migration_id;
