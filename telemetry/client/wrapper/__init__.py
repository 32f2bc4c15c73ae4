"""``python -m telemetry.client run -- COMMAND``: a command of any language as a run."""
