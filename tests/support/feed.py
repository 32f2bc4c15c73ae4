"""Following a feed as a client does."""

from typing import Any


class Follower:
    """Polls a feed; ``get`` returns the decoded body of a GET for a path and its query."""

    def __init__(self, get: Any, path: str, **query: Any) -> None:
        self._get = get
        self._path = path
        self._query = query
        self.cursor: str | None = None

    def poll(self, **query: Any) -> list[dict]:
        """Return the items of the next page."""
        after = {"after": self.cursor} if self.cursor else {}
        body = self._get(self._path, {**self._query, **after, **query})
        assert body.keys() == {"items", "next", "has_more"}
        self.cursor = body["next"]
        self.has_more = body["has_more"]
        return body["items"]

    def catch_up(self) -> list[dict]:
        """Return the items of all pages up to the last one."""
        items = self.poll()
        while self.has_more:
            items += self.poll()
        return items


def get_with(client: Any) -> Any:
    """Return the ``get`` of a Flask test client."""

    def get(path: str, query: dict[str, Any]) -> Any:
        response = client.get(path, query_string=query)
        assert response.status_code == 200, response.json
        return response.json

    return get
