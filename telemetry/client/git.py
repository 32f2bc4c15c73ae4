"""The git context of a folder, read from the files of the repository.

git itself is not started: it may not be installed, and a process costs milliseconds.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path

_MAX_FILE = 4 * 1024 * 1024
_HASH = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_REMOTE = re.compile(r'^\s*\[remote "(?P<name>[^"]+)"\]')
_URL = re.compile(r"^\s*url\s*=\s*(?P<url>\S+)")
_QUERY = re.compile(r"[?#]")


class GitContext:
    """The context of the working directory, found once, in a thread of its own.

    A file system may hang, and no run waits for it: its end carries what its start did not.
    """

    WAIT_SECONDS = 0.05

    def __init__(self, enabled: bool) -> None:
        self._found: dict[str, str] | None = None if enabled else {}
        self._thread: threading.Thread | None = None

    def get(self) -> dict[str, str]:
        """Return the context; empty while it is not known."""
        if self._found is None and self._thread is None:
            self._thread = threading.Thread(target=self._find, name="telemetry-git", daemon=True)
            try:
                self._thread.start()
                self._thread.join(self.WAIT_SECONDS)
            except RuntimeError:
                self._found = {}  # the interpreter ends
        return self._found or {}

    def after_fork(self) -> None:
        """Look again if the search did not come to its end."""
        self._thread = None

    def _find(self) -> None:
        try:
            self._found = git_context(Path.cwd())
        except Exception:
            self._found = {}


def git_context(folder: Path) -> dict[str, str]:
    """Return git_repo, git_branch, git_commit_hash and git_run_tag, as far as known.

    Empty outside of a repository. git_run_tag is the name of the repository and the branch.
    """
    found = _git_folder(folder)
    if found is None:
        return {}
    common = found
    if pointer := _read(found / "commondir"):
        common = (found / pointer.strip()).resolve()
    repository, branch = _repository(common), _branch(found)
    name = re.split(r"[/:]", repository)[-1] if repository else None
    context = {
        "git_repo": repository,
        "git_branch": branch,
        "git_commit_hash": _commit(found, common, branch),
        "git_run_tag": f"{name}/{branch}" if name and branch else name,
    }
    return {key: value for key, value in context.items() if value}


def without_credentials(url: str) -> str:
    """Return the URL without user name, password, query and ``.git``."""
    url = url.strip("\"' ")
    scheme, separator, rest = url.partition("://")
    if separator:
        url = f"{scheme}://{_QUERY.split(_without_user(rest))[0]}"
    url = url.rstrip("/")
    return url[:-4] if url.endswith(".git") else url


def _without_user(rest: str) -> str:
    """Return what follows ``://`` from the host on. A password may have any character."""
    authority = rest.partition("/")[0]
    if "@" in authority:
        return rest[authority.rindex("@") + 1 :]
    # What follows the colon is no port, so it is the beginning of a password.
    if "@" in rest and not re.fullmatch(r"[^:]*(:\d*)?|\[.*\](:\d*)?", authority):
        return rest.rpartition("@")[2]
    return rest


def _git_folder(folder: Path) -> Path | None:
    for parent in [folder, *folder.parents]:
        candidate = parent / ".git"
        if candidate.is_dir():
            return candidate
        # A worktree or a submodule has a file that names the folder.
        content = _read(candidate)
        if content and content.startswith("gitdir:"):
            return (parent / content[len("gitdir:") :].strip()).resolve()
    return None


def _branch(git: Path) -> str | None:
    head = (_read(git / "HEAD") or "").strip()
    prefix = "ref: refs/heads/"
    return head[len(prefix) :] if head.startswith(prefix) else None


def _commit(git: Path, common: Path, branch: str | None) -> str | None:
    if branch is None:
        head = (_read(git / "HEAD") or "").strip()
        return head if _HASH.fullmatch(head) else None
    reference = f"refs/heads/{branch}"
    loose = (_read(common / reference) or "").strip()
    if _HASH.fullmatch(loose):
        return loose
    for line in (_read(common / "packed-refs") or "").splitlines():
        commit, _, name = line.partition(" ")
        if name == reference and _HASH.fullmatch(commit):
            return commit
    return None


def _repository(common: Path) -> str | None:
    remotes: dict[str, str] = {}
    remote = None
    for line in (_read(common / "config") or "").splitlines():
        if line.lstrip().startswith("["):
            section = _REMOTE.match(line)
            remote = section["name"] if section else None
        elif remote and (found := _URL.match(line)):
            remotes.setdefault(remote, found["url"])
    url = remotes.get("origin") or next(iter(remotes.values()), None)
    return without_credentials(url) if url else None


def _read(file: Path) -> str | None:
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            return opened.read(_MAX_FILE)
    except OSError:
        return None
