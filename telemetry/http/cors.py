"""Cross-origin requests: pages of the configured origins may call the service.

https://fetch.spec.whatwg.org/#http-cors-protocol

Written here instead of taken from flask-cors, which sets headers only: it leaves a preflight
request to the token and the rate limit, and omits ``Vary`` where one origin is configured.
"""

from flask import Flask, Response, request

from telemetry.config import Config

METHODS = "GET, HEAD, POST, PUT, PATCH, OPTIONS"

# What a page may read besides the body and the few headers that the browser always shows.
EXPOSED_HEADERS = (
    "X-Request-ID, Link, Retry-After, Allow, WWW-Authenticate,"
    " X-RateLimit-Limit, X-RateLimit-Remaining"
)

# How long a browser keeps the response to a preflight request; Chromium keeps none longer.
MAX_AGE_SECONDS = 7200


def init_app(app: Flask, config: Config) -> None:
    """Respond to preflight requests, and add the headers to every response.

    Must come before the rate limit and authentication: a browser sends no token with a preflight
    request. Cookies and the like are never allowed, because the token is what counts.
    """
    origins = frozenset(config.cors_origins)
    if not origins:
        return

    def respond_to_preflight() -> Response | None:
        headers = request.headers
        if request.method != "OPTIONS" or headers.get("Origin") not in origins:
            return None
        if "Access-Control-Request-Method" not in headers:
            return None
        response = Response(status=204)
        response.headers["Access-Control-Allow-Methods"] = METHODS
        response.headers["Access-Control-Max-Age"] = str(MAX_AGE_SECONDS)
        if asked := headers.get("Access-Control-Request-Headers"):
            response.headers["Access-Control-Allow-Headers"] = asked
        return response

    def add_headers(response: Response) -> Response:
        response.vary.add("Origin")  # a cache must not serve one origin's response to another
        origin = request.headers.get("Origin")
        if origin in origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
        return response

    app.before_request(respond_to_preflight)
    app.after_request(add_headers)
