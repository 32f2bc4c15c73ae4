"""Data that outgrows one table: what the owner of the tables does once, and can undo.

- ``partition``: runtime events in a partition per day

``telemetry/retention/partitions.py`` adds and drops the partitions then.
"""
