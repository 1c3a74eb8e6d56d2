"""Which repositories are refused, and what a caller may read of git's complaint."""

from pathlib import Path

import pytest

from runner import repository
from runner.errors import CloneFailed


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a",
        "git://example.com/a",
        "ssh://-oProxyCommand=x/y",
        "ext::sh -c id",
        "file:///etc",
        "https://user:token@example.com/a",
        "https://token@example.com/a",
        "https://",
        "https://example.com/a\nb",
        "https://example.com:port/a",
        "https://-x/a",
        "../relative",
        "--upload-pack=x",
    ],
)
def test_check_bad_url_is_refused(url: str) -> None:
    """Only https without a credential passes."""
    with pytest.raises(CloneFailed) as refused:
        repository.check(url, "", [])
    assert "token" not in refused.value.message


@pytest.mark.parametrize("branch", ["--upload-pack=x", "a..b", "a b", "-", "a~1", "x.lock", "a\x1b", "a/", "@{-1}"])
def test_check_bad_branch_is_refused(branch: str) -> None:
    """A branch that git could take for something else is refused."""
    with pytest.raises(CloneFailed, match="branch"):
        repository.check("https://example.com/a", branch, None)


def test_check_local_path_needs_permission(tmp_path: Path) -> None:
    """A path is refused unless the installation allows it."""
    assert repository.check(str(tmp_path), "", []).local == tmp_path
    with pytest.raises(CloneFailed, match="not allowed"):
        repository.check(str(tmp_path), "", None)


def test_check_path_in_own_data_is_refused(tmp_path: Path) -> None:
    """Nobody clones another room; a checkout in which the rooms happen to lie is no room."""
    other = tmp_path / "rooms" / "other" / "files"
    other.mkdir(parents=True)
    for path in (other, tmp_path / "rooms"):
        with pytest.raises(CloneFailed, match="own data"):
            repository.check(str(path), "", [tmp_path / "rooms"])
    assert repository.check(str(tmp_path), "", [tmp_path / "rooms"]).local == tmp_path


def test_redact_complaint_has_no_credential_and_no_escape() -> None:
    """A cause is one line that is safe to show."""
    cause = repository.redact("fatal: unable to access 'https://me:secret@host/x': \x1b[2Jno\n more.")
    assert cause == "unable to access 'https://host/x': [2Jno more"
