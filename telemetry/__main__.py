"""``python -m telemetry``."""

import sys

from telemetry.supported import check_python

check_python()

try:
    from telemetry.cli import main
except ModuleNotFoundError as error:
    if (error.name or "telemetry").startswith("telemetry"):
        raise
    sys.exit(
        f"telemetry: the server needs the package {error.name}, which is not installed: "
        "python -m pip install -r requirements.txt"
    )
except FileNotFoundError as error:
    # The installed package has no SQL: it is for agents.
    sys.exit(f"telemetry: the server runs in a checkout of its repository: no {error.filename}")

main(prog_name="python -m telemetry")
