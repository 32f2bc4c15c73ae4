"""Retention: deletes runs and runtime events that are older than the operator wants to keep.

Small batches, each in its own transaction, delete the oldest rows first. ``retention_passes`` says
what was done, and is written in the same transactions. The command ``prune`` and a thread of each
web process (``daily``) do the same work (``prune``). Ledgers are never pruned.
"""
