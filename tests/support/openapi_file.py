"""``telemetry/openapi/openapi.json``: the description of the API, as the rooms and routes make it.

``make schema`` writes the file; tests/openapi/test_document.py compares it with the code.
"""

from app import create_app
from telemetry.config import Config
from telemetry.openapi.document import text
from telemetry.openapi.views import DOCUMENT


def write() -> None:
    """Write the file. The application needs no database for it."""
    DOCUMENT.write_text(text(create_app(Config())), encoding="utf-8")


if __name__ == "__main__":
    write()
