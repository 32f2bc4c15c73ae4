"""``python -m telemetry``."""

from telemetry.cli import main

main(prog_name="python -m telemetry")
