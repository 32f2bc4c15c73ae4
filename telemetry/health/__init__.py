"""Health: whether the process lives, and whether it can serve.

Liveness asks nobody. Readiness is a probe on a connection of its own, one at a time
in a process, its result shared by all who poll.
"""
