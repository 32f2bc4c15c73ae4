"""The smallest receiver of OTLP over HTTP: appends the run of each span to a file, and syncs it.

It runs with the interpreter of the other clients. Usage: python -m bench.loss_receiver PORT FILE
"""

import gzip
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


def runs(body: bytes) -> list[str]:
    """Return the names of the runs in a request."""
    return [
        attribute.value.string_value
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
        for attribute in span.attributes
        if attribute.key == "run"
    ]


def main() -> None:
    """Serve until the process is ended."""
    port, file = sys.argv[1:]
    opened = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._respond(b"ready")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            os.write(opened, "".join(f"{name}\n" for name in runs(body)).encode())
            os.fdatasync(opened)
            self._respond(ExportTraceServiceResponse().SerializeToString())

        def _respond(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main()
