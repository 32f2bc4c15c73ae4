-- Reads when the whole audio ledger was last verified, and what was found.
-- params: none
-- index: audio_runtime_verifications_pkey
-- locks: none
-- returns: age_seconds and findings; no row: it was never verified
SELECT
    extract(EPOCH FROM now() - finished_at)::double precision AS age_seconds,
    findings
FROM audio_runtime_verifications
ORDER BY finished_at DESC
LIMIT 1;
