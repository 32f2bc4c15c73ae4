"""Links to a run's repository and commit, for known hosts only."""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

# The path of a commit on each known host.
COMMIT_PATHS = {
    "github.com": "commit",
    "gitlab.com": "-/commit",
    "bitbucket.org": "commits",
}

# Longer than browsers accept; it bounds the cache.
MAX_URL = 2000

# The function telemetry_views.git_repository has the same rules in SQL.
_HOST = rf"(?:www\.)?(?P<host>{'|'.join(map(re.escape, COMMIT_PATHS))})"
_URL = re.compile(
    rf"(?:https?|ssh|git)://(?:[^/?#]*@)?{_HOST}(?::[^/?#@]*)?(?P<path>/[^?#]*)",
    re.ASCII | re.IGNORECASE,
)
_SCP_LIKE = re.compile(
    rf"(?:[!-.0-?A-~]+@)?{_HOST}:(?P<path>[^/].*)", re.ASCII | re.IGNORECASE | re.DOTALL
)
_PATH = re.compile(r"[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)+")
_SPACE = " \t\n\r\f\v"


class Repository(NamedTuple):
    """A repository on a known host; ``path`` is ``owner/name``, with deeper groups on GitLab."""

    host: str
    path: str

    @property
    def url(self) -> str:
        """The https link to the repository."""
        return f"https://{self.host}/{self.path}"


def repo_url(git_repo: str | None) -> str | None:
    """Return the https link to the repository, or None when its host is unknown."""
    repository = _parse(git_repo)
    return repository.url if repository else None


def commit_url(git_repo: str | None, commit_hash: str | None) -> str | None:
    """Return the https link to the commit, or None without a commit or a known host."""
    repository = _parse(git_repo)
    if repository is None or not commit_hash:
        return None
    return f"{repository.url}/{COMMIT_PATHS[repository.host]}/{quote(commit_hash, safe='')}"


def _parse(git_repo: str | None) -> Repository | None:
    text = (git_repo or "").strip(_SPACE)
    return None if len(text) > MAX_URL else _parse_url(text)


# The runs of a list share a few repositories: without it a list of 50 takes a fifth more CPU.
@lru_cache(maxsize=256)
def _parse_url(text: str) -> Repository | None:
    """Return the repository, given ``https://host/path``, ``ssh://…`` or ``git@host:path``.

    Drops credentials, ports, queries and fragments. Returns None for anything else.
    """
    match = _URL.match(text) if "://" in text else _SCP_LIKE.fullmatch(text)
    if match is None:
        return None
    path = match["path"].strip("/").removesuffix(".git").rstrip("/")
    if not _PATH.fullmatch(path) or ".." in path.split("/"):
        return None
    return Repository(match["host"].lower(), path)
