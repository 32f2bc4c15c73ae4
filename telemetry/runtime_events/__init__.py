"""Runtime events: how endpoints behaved.

A program posts one event for each request that it served (or made): which endpoint, how long,
which status. Events are appended, idempotently on ``id``, and never changed. They are kept in
the table ``runtime_events`` in PostgreSQL or, where no database is configured, in a file of JSON
Lines (``file/``). Both stores keep the promises of ``events.RuntimeEventStore``.
"""
