-- Lists the migrations of this release that the database lacks. A newer schema is fine.
-- params: migrations (array of the names this release knows)
-- index: none; yoyo's table has one row for each migration
-- locks: none
-- returns: migration, one row for each that is pending
SELECT known.migration
FROM unnest(%(migrations)s::text[]) AS known (migration)
LEFT JOIN _yoyo_migration AS applied ON known.migration = applied.migration_id
WHERE applied.migration_id IS NULL
ORDER BY known.migration;
