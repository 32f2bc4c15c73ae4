"""Runs: what an agent did.

An agent posts a run when it starts (or when it has ended), idempotently on
``event_id``; it may be changed while it runs. One row a run in ``agent_runs``:
created once, never deleted by the service. Batches, queries, the commit that a
run produced, and the numbers of ``/metrics`` belong here too.
"""
