"""Links to a run's repository and commit, made only for hosts that are known."""

import re
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from telemetry.database.database import Row

# How each host spells the path of a commit.
COMMIT_PATHS = {
    "github.com": "commit",
    "gitlab.com": "-/commit",
    "bitbucket.org": "commits",
}

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


def with_links(run: Row) -> Row:
    """Return the run with its ``commit_url`` and ``repo_url``."""
    repo, commit = run["git_repo"], run["git_commit_hash"]
    return {**run, "commit_url": commit_url(repo, commit), "repo_url": repo_url(repo)}


def repo_url(git_repo: str | None) -> str | None:
    """Return the https link to the repository, or None when its host is not a known one."""
    repository = _read(git_repo)
    return repository.url if repository else None


def commit_url(git_repo: str | None, commit_hash: str | None) -> str | None:
    """Return the https link to the commit, or None when there is no commit or no known host."""
    repository = _read(git_repo)
    if repository is None or not commit_hash:
        return None
    return f"{repository.url}/{COMMIT_PATHS[repository.host]}/{quote(commit_hash, safe='')}"


def _read(git_repo: str | None) -> Repository | None:
    """Read ``https://host/path``, ``ssh://git@host/path`` or ``git@host:path``.

    Credentials, ports, queries and fragments are left behind.
    """
    text = (git_repo or "").strip()
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
