"""Benchmarks that compare this service with two alternatives and with PostgreSQL alone.

``make bench`` runs them. ``scenarios`` lists what is measured; ``report`` formats the results.
"""
