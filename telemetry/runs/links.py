"""The links of a run that the API returns: to its repository and its commit."""

from typing import Any

from telemetry.database.database import Row
from telemetry.git_links import commit_url, repo_url


def with_links(run: Row) -> Row:
    """Return the run with its ``commit_url`` and ``repo_url``."""
    repo, commit = run["git_repo"], run["git_commit_hash"]
    return {**run, "commit_url": commit_url(repo, commit), "repo_url": repo_url(repo)}


def add_links(run: Any) -> None:
    """Set ``commit_url`` and ``repo_url`` of a run that is an object."""
    run.commit_url = commit_url(run.git_repo, run.git_commit_hash)
    run.repo_url = repo_url(run.git_repo)
