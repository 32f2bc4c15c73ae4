"""Sending the lines of one chunk: what each response means for the records of its request."""

from __future__ import annotations

import json
from collections import deque
from typing import Any, NoReturn

from telemetry.client.notices import Notices
from telemetry.client.sending.lines import PROGRESS, Batch, Change, Request, requests
from telemetry.client.sending.transport import Response, Transport, Unreachable, retry_after
from telemetry.client.spool.rejected import Rejected

# A record that alone causes a 500 is given up after this many tries, if the service works.
_POISON_TRIES = 5
_SLOW_SECONDS = 60.0
_WAITS = (408, 425, 429, 500, 502, 503, 504)


class RetryLater(Exception):
    """Nothing more can be sent now. ``seconds`` None: the sender decides how long to wait.

    ``is_reported``: a warning has said why.
    """

    def __init__(
        self, reason: str, seconds: float | None = None, *, is_reported: bool = False
    ) -> None:
        super().__init__(reason)
        self.seconds, self.is_reported = seconds, is_reported


class Delivery:
    """The requests of one chunk that have not been settled."""

    def __init__(
        self, lines: list[bytes], transport: Transport, rejected: Rejected, notices: Notices
    ) -> None:
        self._transport, self._rejected, self._notices = transport, rejected, notices
        made, torn = requests(lines)
        self._open: deque[Request] = deque(made)
        self._tries = 0
        if torn:
            notices.count("torn_lines", torn)

    def run(self) -> None:
        """Send until every record is stored or rejected. Raises RetryLater.

        Called again, it continues where it stopped.
        """
        while self._open:
            request = self._open[0]
            try:
                response = self._transport.send(request)
            except Unreachable as error:
                if error.timed_out:
                    self._split(request)
                raise RetryLater(str(error)) from error
            self._settle(request, response)

    def _settle(self, request: Request, response: Response) -> None:
        status, document = response.status, _document(response)
        if status in (401, 403):
            self._notices.warn(
                "token",
                "%s %s (status %d): records are kept",
                self._transport.url,
                "refuses the token" if self._transport.has_token else "needs a token",
                status,
            )
            raise RetryLater("the token is refused", _SLOW_SECONDS, is_reported=True)
        if status == 500 and self._is_poison(request):
            self._reject(request, status, document.get("detail", "internal error"))
            return
        if status in _WAITS:
            if status != 429:
                self._split(request)
            raise RetryLater(f"status {status}", retry_after(response))
        if isinstance(request, Batch):
            self._settle_batch(request, status, document)
        else:
            self._settle_change(request, status, document)
        for name in ("token", "url", "unsent"):
            self._notices.again(name)

    def _settle_batch(self, batch: Batch, status: int, document: dict[str, Any]) -> None:
        """Reject the bad records of a batch. One that is refused as a whole is sent in halves."""
        errors = document.get("errors")
        if status in (200, 422) and isinstance(errors, list) and "total" in document:
            for error in errors:
                index = error.get("index")
                if isinstance(index, int) and 0 <= index < len(batch.records):
                    self._rejected.add(batch.records[index], 422, error.get("detail"))
            self._notices.count("sent", len(batch.records) - len(errors))
            self._done()
        elif status == 413 or (status in (400, 422) and "detail" in document):
            if len(batch.records) == 1:
                self._reject(batch, status, document.get("detail", "too large"))
            else:
                self._split(batch)
        else:
            self._not_the_service(status)

    def _settle_change(self, change: Change, status: int, document: dict[str, Any]) -> None:
        if status == 200 and document:
            self._notices.count("sent")
            self._done()
        elif change.kind == PROGRESS and status in (400, 404, 409) and "detail" in document:
            self._notices.count("superseded")  # the run has ended, and its end said everything
            self._done()
        elif status in (400, 404, 409, 413, 422) and "detail" in document:
            self._reject(change, status, document["detail"])
        else:
            self._not_the_service(status)

    def _done(self) -> None:
        self._open.popleft()
        self._tries = 0

    def _reject(self, request: Request, status: int, reason: object) -> None:
        for record in request.records:
            self._rejected.add(record, status, reason)
        self._done()

    def _split(self, request: Request) -> None:
        """Put two halves in the place of a batch: it may have been too much for the service."""
        if isinstance(request, Batch) and len(request.records) > 1:
            self._open.popleft()
            self._open.extendleft(reversed(request.halves()))

    def _is_poison(self, request: Request) -> bool:
        """Return whether this record alone fails again and again while the service works."""
        if len(request.records) > 1:
            return False
        self._tries += 1
        if self._tries < _POISON_TRIES:
            return False
        try:
            ready = self._transport.request("GET", "/api/ready", b"", "application/json")
        except Unreachable:
            return False
        return ready.status == 200

    def _not_the_service(self, status: int) -> NoReturn:
        self._notices.warn(
            "url",
            "%s does not respond as the telemetry service (status %d): records are kept",
            self._transport.url,
            status,
        )
        raise RetryLater(f"unexpected status {status}", _SLOW_SECONDS, is_reported=True)


def _document(response: Response) -> dict[str, Any]:
    try:
        parsed = json.loads(response.body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
