"""Metrics: what the service counts, as JSON for people and as text for Prometheus.

What the database knows is read from it for every request, so it is right whichever program wrote
it. What only a process knows is counted in memory that all workers share
(``telemetry/counters.py``).
"""
