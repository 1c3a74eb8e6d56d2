"""Which repositories may be cloned: every spelling of a trick that we know of, and what must stay possible."""

import pytest

from services.workspace.workspaces.domain import RepositoryRule
from services.workspace.workspaces.errors import RepositoryUrlNotAllowed

ALLOWED = (
    "",
    "https://github.com/a/b",
    "https://github.com/a/b.git",
    "HTTPS://GitHub.com/a/b",
    "https://git.example.com:8443/group/sub/repository.git",
    "https://192.0.2.7/a",
    "https://[2001:db8::1]/a",
    "https://xn--bcher-kva.example/a",
    "https://git.example.com/~someone/a..b",
    "https://git.example.com/a@b",
)
REFUSED = {
    "https": (
        "ext::sh%20-c%20id",
        "ext::sh",
        "EXT::sh",
        "file:///etc",
        "FILE:///etc",
        "ssh://-oProxyCommand=x/y",
        "ssh://git@github.com/a/b",
        "git@github.com:a/b",
        "git://github.com/a/b",
        "http://github.com/a/b",
        "ftp://github.com/a/b",
        "fd::17/a",
        "transport::https://github.com/a/b",
        "javascript:alert(1)",
        "../..",
        "./a",
        "a/b",
        "a/b/c",
        "-x/y",
        "--upload-pack=x",
        "~/a",
        "\\\\host\\share",
        "C:\\a",
        "::1",
    ),
    "credential": (
        "https://user:token@github.com/a/b",
        "https://token@github.com/a/b",
        "https://@github.com/a/b",
        "https://github.com:443@evil.example/a",
        "https://github.com\\@evil.example/a",
    ),
    "host": (
        "https://",
        "https:///a/b",
        "https:/a/b",
        "https:a/b",
        "https://:443/a",
        "https://-oProxyCommand=x/y",
        "https://github.com\\.evil.example/a",
        "https://gith$ub.com/a",
        "https://b\u00fccher.example/a",
        "https://github.com\u3002evil.example/a",
        "https://%67ithub.com/a",
    ),
    "URL": ("https://github.com:99999/a", "https://github.com:x/a", "https://[::1/a", "https://[x]/a"),
    "repository": (
        "https://github.com",
        "https://github.com/",
        "https://github.com//",
        "https://github.com/../..",
        "https://github.com/a/../../b",
        "https://github.com/%2e%2e/%2E%2e",
        "https://github.com/a/.%2e/b",
    ),
}


def _cause(rule: RepositoryRule, url: str) -> str:
    """Return why a repository is refused; empty for one that is allowed."""
    try:
        rule.check(url)
    except RepositoryUrlNotAllowed as refusal:
        return refusal.values["description"]
    return ""


@pytest.mark.parametrize("url", ALLOWED)
@pytest.mark.parametrize("local_paths", [False, True])
def test_check_of_an_https_url_passes(url: str, *, local_paths: bool) -> None:
    """Ports, addresses, nested groups and dots in names are ordinary; an empty URL is an empty workspace."""
    assert _cause(RepositoryRule(local_paths), url) == ""


@pytest.mark.parametrize(("word", "url"), [(word, url) for word, urls in REFUSED.items() for url in urls])
@pytest.mark.parametrize("local_paths", [False, True])
def test_check_of_a_trick_is_refused_with_its_cause(word: str, url: str, *, local_paths: bool) -> None:
    """Every other way to make git run, read or reach something is refused, and the cause can be acted on."""
    cause = _cause(RepositoryRule(local_paths), url)
    assert word in cause
    assert "token" not in cause


@pytest.mark.parametrize("path", ["/srv/git/a", "/srv/git/a.git", "/", "/srv/a..b"])
def test_check_of_a_local_path_depends_on_the_installation(path: str) -> None:
    """A path is a repository only where the operator said so."""
    assert _cause(RepositoryRule(local_paths=True), path) == ""
    assert "begin with /" in _cause(RepositoryRule(local_paths=True), "elsewhere/api")
    assert "local paths" in _cause(RepositoryRule(local_paths=False), path)


@pytest.mark.parametrize("path", ["/srv/../etc", "/..", "/srv/git/..", "/../a"])
def test_check_of_a_local_path_that_climbs_is_refused(path: str) -> None:
    """A path says where it leads."""
    assert ".." in _cause(RepositoryRule(local_paths=True), path)
