"""Data that outgrows one table: what the owner of the tables does once, and can undo.

- ``partition``: runtime events in a partition per day
- ``distribute``: the tables on the workers of a Citus cluster

``telemetry/retention/partitions.py`` adds and drops the partitions then.
"""
