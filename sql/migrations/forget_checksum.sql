-- Deletes the checksum of a migration that is about to be rolled back.
-- params: migration_id
-- index: migration_checksums_pkey
-- locks: the row
-- returns: nothing
DELETE FROM migration_checksums
WHERE migration_id = %(migration_id)s;
