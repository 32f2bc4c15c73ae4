"""Health: whether the process lives, and whether it can serve.

Liveness asks no database. Readiness is a probe that asks the database in the way requests do. A
process runs one probe at a time and shares its result among all pollers.
"""
