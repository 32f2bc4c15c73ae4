"""What the ledger proves, computed without the database: an independent check of its rows.

From plain rows it computes the canonical bytes, the chain, the audit rows and the projection,
and compares them with what is stored. Nothing here imports more than the standard library and
the two modules ``finding`` and ``kept_heads``, which do neither: an auditor can read these files
and run them on an export, without the service and without its database::

    python -m telemetry.audio_runtime.proof EXPORT.jsonl --heads HEADS.jsonl
"""
