-- Draws the number of the next change of the transaction, where agent_runs is distributed: the
-- lanes and the sequence are the coordinator's, so a trigger on a shard cannot.
-- params: none
-- index: none
-- locks: a lane of runs until the transaction ends
-- returns: change_number
SELECT
    set_config(
        'telemetry.change_number',
        (take_lane(7308) * 100000000000000000 + nextval('agent_runs_change_seq'))::text,
        TRUE
    ) AS change_number;
