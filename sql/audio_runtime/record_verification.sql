-- Records that the whole ledger was verified, and how many findings there were.
-- params: findings_count
-- index: audio_runtime_verifications_pkey
-- locks: the new row
-- returns: nothing
INSERT INTO audio_runtime_verifications (finished_at, findings)
VALUES (clock_timestamp(), %(findings_count)s);
