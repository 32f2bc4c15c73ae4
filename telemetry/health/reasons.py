"""Why the process is not ready, in the log: once when a reason begins, once when it ends."""

import logging
import re
from collections.abc import Sequence
from threading import Lock

logger = logging.getLogger(__name__)

# Those of a sequence that is behind move with every write.
_NUMBER = re.compile(r"[0-9]+")


class Reasons:
    """Remembers the reason of the last response, so that pollers do not repeat it in the log."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._current = ""

    def record(self, error: str, failures: Sequence[str], causes: Sequence[str] = ()) -> None:
        """Log this reason, unless it was that of the last response but for its numbers.

        ``causes`` are for the log alone. They may change while the reason stays.
        """
        self._change(f"{error}: {'; '.join(failures)}", f" ({'; '.join(causes)})" if causes else "")

    def clear(self) -> None:
        """Log that the process is ready, if the last response said that it was not."""
        self._change("", "")

    def _change(self, reason: str, causes: str) -> None:
        with self._lock:
            ended, self._current = self._current, reason
        if _NUMBER.sub("", ended) == _NUMBER.sub("", reason):
            return
        if ended:
            logger.warning("No longer a reason not to be ready: %s", ended)
        if reason:
            logger.error("Not ready: %s%s", reason, causes)
