"""Runs: what an agent did.

An agent posts a run when it starts or when it has ended, idempotently by ``event_id``, and may
update it while it is in progress. The table ``agent_runs`` has one row per run; the service never
deletes one. This room also has batches, lists, and the commit that a run produced.
"""
