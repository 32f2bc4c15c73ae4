-- Draws the number of a change for the next UPDATE of the transaction. Where agent_runs is
-- distributed no trigger can: its lanes and its sequence are those of the coordinator.
-- params: none
-- index: none
-- locks: a lane of runs until the transaction ends
-- returns: the setting that holds the number
SELECT
    set_config(
        'telemetry.change_number',
        (take_lane(7308) * 100000000000000000 + nextval('agent_runs_change_seq'))::text,
        TRUE
    ) AS change_number;
