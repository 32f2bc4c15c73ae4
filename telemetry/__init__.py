"""Telemetry service: runs, runtime events and the audio runtime ledger over PostgreSQL.

The layers, each of which imports only those below it:

- ``cli``: the commands of ``python -m telemetry``
- the rooms: ``runs``, ``runtime_events``, ``audio_runtime``, ``audit``, ``health``, ``metrics``,
  ``pages``, ``rate_limit``, ``retention``, ``migrations``,
  ``tokens``. A room has the same name in ``sql/``,
  ``migrations/`` and ``tests/``, and the same files: ``views.py`` (HTTP), ``schema.py``
  (payloads and query strings), ``store.py`` (the database). Rooms do not import each other.
- ``openapi``: the description of the API
- ``payloads``: from the bytes of a request to valid values
- ``http``: the application, its errors, its log
- ``database``: PostgreSQL
- ``client``: for authors of agents; it stands outside of the layers and imports none of them
- the modules in this folder: configuration, persistence, time limits, numbers, …

``app.py`` puts them together.
"""

__version__ = "0.1.0"
