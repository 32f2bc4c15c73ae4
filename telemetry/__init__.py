"""Telemetry service: runs, runtime events and the audio runtime ledger over PostgreSQL.

Rooms (one package a domain, with the same name in ``sql/``, ``migrations/`` and
``tests/``) hold ``views.py`` (HTTP), ``schema.py`` (payloads) and ``store.py``
(the database). The modules beside them are shared by every room and import none.
"""

__version__ = "0.1.0"
