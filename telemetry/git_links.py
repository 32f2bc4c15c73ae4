"""Links to a run's repository and commit, for known hosts only."""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

# The path of a commit on each known host.
COMMIT_PATHS = {
    "github.com": "commit",
    "gitlab.com": "-/commit",
    "bitbucket.org": "commits",
}

# Longer than browsers accept; it bounds the cache.
MAX_URL = 2000

_SCP_LIKE = re.compile(r"(?:[^@/\s]+@)?(?P<host>[^@:/\s]+):(?P<path>[^/\s].*)")
_PATH = re.compile(r"[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)+")


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
    text = (git_repo or "").strip()
    return None if len(text) > MAX_URL else _parse_url(text)


# The runs of a list share a few repositories: without it a list of 50 takes a fifth more CPU.
@lru_cache(maxsize=256)
def _parse_url(text: str) -> Repository | None:
    """Return the repository, given ``https://host/path``, ``ssh://…`` or ``git@host:path``.

    Drops credentials, ports, queries and fragments. Returns None for anything else.
    """
    if "://" in text:
        try:
            parts = urlsplit(text)
            host, path = parts.hostname or "", parts.path
        except ValueError:
            return None
        if parts.scheme.lower() not in ("http", "https", "ssh", "git"):
            return None
    elif match := _SCP_LIKE.fullmatch(text):
        host, path = match["host"].lower(), match["path"]
    else:
        return None
    host = host.removeprefix("www.")
    path = path.strip("/").removesuffix(".git").rstrip("/")
    known = host in COMMIT_PATHS and _PATH.fullmatch(path) and ".." not in path.split("/")
    return Repository(host, path) if known else None
