"""The shape of every error response, checked in one place."""

import json
import re

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def assert_error(response, status, detail=None, **more):
    """Assert an error of this status in the one shape; return its ``detail``.

    ``detail`` is what it has to be (None: anything but empty), ``more`` the other members of the
    body. ``response`` comes from Flask's test client, httpx or http.client.
    """
    body = _read(response)
    assert _status(response) == status, body
    assert response.headers["Content-Type"] == "application/json"
    assert REQUEST_ID.fullmatch(response.headers["X-Request-ID"])
    found = json.loads(body)
    assert {name: found[name] for name in found if name != "detail"} == more
    assert found["detail"]
    if detail is not None:
        assert found["detail"] == detail
    return found["detail"]


def assert_unavailable(response, detail=None):
    """Assert a 503 that says when to try again; return its ``detail``."""
    assert int(response.headers["Retry-After"]) > 0
    return assert_error(response, 503, detail)


def assert_problems(response, expected, start=("body",), **more):
    """Assert a 422 with exactly the problems of ``expected``: a type by the name of the field.

    ``start`` is what comes before the name in a problem's ``loc``; ``more`` are the other members
    of the body.
    """
    found = problem_types(assert_error(response, 422, **more))
    assert found == {(*start, name): kind for name, kind in expected.items()}


def problem_types(detail):
    """Return the type of each problem of a ``detail`` by its ``loc``, after checking its shape."""
    assert isinstance(detail, list)
    for problem in detail:
        assert set(problem) == {"loc", "msg", "type"}
        assert problem["msg"]
        assert isinstance(problem["msg"], str)
    found = {tuple(problem["loc"]): problem["type"] for problem in detail}
    assert len(found) == len(detail)
    return found


def assert_batch_errors(body, key, expected):
    """Assert the ``errors`` of a batch: by index, what its member ``key`` is.

    Return the ``detail`` of each entry by index.
    """
    for error in body["errors"]:
        assert set(error) == {"index", key, "detail"}
        assert error["detail"]
    assert [(error["index"], error[key]) for error in body["errors"]] == [*expected.items()]
    return {error["index"]: error["detail"] for error in body["errors"]}


def _status(response):
    return getattr(response, "status_code", None) or response.status


def _read(response):
    """Return the body as bytes, whichever client the response is from."""
    if hasattr(response, "get_data"):
        return response.get_data()
    return response.content if hasattr(response, "content") else response.read()
