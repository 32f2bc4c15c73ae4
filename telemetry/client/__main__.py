"""``python -m telemetry.client``."""

import sys

from telemetry.client.wrapper.main import main

sys.exit(main(sys.argv[1:]))
