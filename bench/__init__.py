"""The benchmarks: this service, what a user would write instead, and PostgreSQL's own limits.

``make bench`` runs them. ``scenarios`` says what is measured, ``report`` what comes out.
"""
