"""Texts that an agent may send as a repository or a commit, many of them close to a link."""

from hypothesis import strategies as st

HOSTS = ["github.com", "GitHub.com", "gitlab.com", "bitbucket.org", "www.github.com"]
OTHER_HOSTS = [
    "www.www.github.com",
    "github.com.evil.example",
    "evil.example",
    "bitbuc\u212aet.org",
]
NAMES = ["o", "n", "sub", "n.git", "A-z_0.9~"]
OTHER_NAMES = [".git", "..", "...", "", "a b", "ü", "x?y", "x#y", "x@y", ":8", "n.git.git", "n\n"]
SPACE = list(" \t\n\x0b\x0c\x1c\x85\xa0")

_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def _mostly(usual: list[str], others: list[str]) -> st.SearchStrategy[str]:
    return st.sampled_from([*usual * (1 + 4 * len(others) // len(usual)), *others])


_host = _mostly(HOSTS, OTHER_HOSTS)
_path = st.lists(_mostly(NAMES, OTHER_NAMES), min_size=1, max_size=4).map("/".join)
_end = _mostly(["", "/", ".git"], ["//", "?x=/y", "#z", ".git/", *SPACE])

_url = st.tuples(
    _mostly([""], SPACE),
    _mostly(
        ["https://", "http://", "HTTPS://", "ssh://", "git://"], ["ftp://", "://", "http\u017f://"]
    ),
    _mostly(["", "git@", "u:p@"], ["@", "a b@", "x@y@", "ü@", "x[y@", "x/y@"]),
    _host,
    _mostly(["", ":22"], [":", ":x@y"]),
    _mostly(["/"], ["", "//"]),
    _path,
    _end,
)
_scp_like = st.tuples(
    _mostly(["", "git@"], ["a b@", "@", "x:y@", "ü@"]),
    _host,
    _mostly([":"], [":/", "/"]),
    _path,
    _end,
)

repositories = st.one_of(_url.map("".join), _scp_like.map("".join), _text)
commits = st.one_of(st.sampled_from([None, "", "abcdef0123456", "../x?y#z", "ü 100%~"]), _text)
