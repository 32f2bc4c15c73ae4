-- Reads when the whole audio ledger was last verified, and what was found.
-- params: none
-- index: audio_runtime_verifications_pkey
-- locks: none
-- returns: finished_at and findings; no row: it was never verified
SELECT
    finished_at,
    findings
FROM audio_runtime_verifications
ORDER BY finished_at DESC
LIMIT 1;
