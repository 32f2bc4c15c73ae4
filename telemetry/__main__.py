"""``python -m telemetry``."""

import signal
import sys

from telemetry.supported import check_python

check_python()

# Ctrl-C during the imports ends the process without a traceback. An ignored signal stays ignored.
interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
if interruptible:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

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

if interruptible:
    signal.signal(signal.SIGINT, signal.default_int_handler)
main(prog_name="python -m telemetry")
