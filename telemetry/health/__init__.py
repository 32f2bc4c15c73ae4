"""Health: whether the process lives, and whether it can serve.

Liveness asks no database. Readiness is a probe with a connection of its own. A process runs one
probe at a time and shares its result among all pollers.
"""
