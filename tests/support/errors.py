"""What every error answer has in common."""


def assert_problems(answer, expected, start=("body",)):
    """Assert a 422 whose detail names exactly the fields of ``expected``, with their types."""
    assert answer.status_code == 422, answer.get_data(as_text=True)
    assert answer.content_type == "application/json"
    detail = answer.json["detail"]
    for problem in detail:
        assert set(problem) == {"loc", "msg", "type"}
        assert problem["msg"]
    found = {tuple(problem["loc"]): problem["type"] for problem in detail}
    assert found == {(*start, name): kind for name, kind in expected.items()}


def assert_detail(answer, status, detail):
    """Assert an error whose detail is a text."""
    assert (answer.status_code, answer.json) == (status, {"detail": detail})
