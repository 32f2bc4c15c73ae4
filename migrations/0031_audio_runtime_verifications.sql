-- When the whole audio ledger was verified, so that a verify that no longer runs is noticed.
-- depends: 0009_audio_runtime_ledger

SET LOCAL lock_timeout = '5s';

CREATE TABLE audio_runtime_verifications (
    finished_at timestamptz PRIMARY KEY,
    findings bigint NOT NULL CHECK (findings >= 0)
);

COMMENT ON TABLE audio_runtime_verifications
IS 'Each verify of the whole audio ledger: one row, written when it ended';
COMMENT ON COLUMN audio_runtime_verifications.findings
IS 'Lines that verify printed; 0: nothing is wrong';
COMMENT ON COLUMN audio_runtime_verifications.finished_at IS 'When verify ended';
COMMENT ON INDEX audio_runtime_verifications_pkey
IS 'sql/metrics/last_verify.sql and sql/pages/last_verify.sql';
