-- Records the checksum that the file of a migration has when it is applied.
-- params: migration_id, checksum (hex SHA-256)
-- index: migration_checksums_pkey
-- locks: the row
-- returns: nothing
INSERT INTO migration_checksums (migration_id, checksum)
VALUES (%(migration_id)s, %(checksum)s)
ON CONFLICT (migration_id) DO UPDATE SET checksum = excluded.checksum;
