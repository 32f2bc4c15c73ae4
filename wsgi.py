"""The production entry point: ``gunicorn wsgi:app``."""

import sys

from app import create_app
from telemetry.config import ConfigError

# The exit status by which a gunicorn worker says that trying again is no use.
APP_LOAD_ERROR = 4

try:
    app = create_app()
except ConfigError as error:
    print(f"telemetry: {error}", file=sys.stderr)
    sys.exit(APP_LOAD_ERROR)
