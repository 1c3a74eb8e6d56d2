"""Keys and passwords of an installation in containers: made once, and handed to whom they belong."""

import argparse
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from embedded.hand_out import hand_out
from embedded.progress import Progress


async def _hand_out(directory: Path | None, **options: object) -> None:
    """Do what `stateroom keys` does."""
    given = {"format": "files", "into": None, "name": "stateroom", "database": "postgres:5432", "nats": "nats:4222"}
    await hand_out(argparse.Namespace(directory=directory, **given | options), Progress(Console(quiet=True)))


def _content(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


async def test_keys_in_a_directory_twice_gives_the_same_and_each_part_its_own(private_folder: Path) -> None:
    """What exists stays; a part has no signing key and no password of another, and nobody else can read its files."""
    directory, into = private_folder / "kept", private_folder / "parts"
    await _hand_out(directory, into=into, database="db.example:6543")
    before = _content(into)
    await _hand_out(directory, into=into, database="db.example:6543")
    assert _content(into) == before
    assert {path.stat().st_mode & 0o077 for path in into.rglob("*")} == {0}
    for part in ("workspace", "session", "execution", "audit"):
        own = {name for name in before if name.startswith(f"{part}/")}
        assert {name for name in own if name.endswith(".jwk")} == {f"{part}/{part}.jwk"}
        assert before[f"{part}/database_url"].startswith(f"postgresql://{part}:")
        assert before[f"{part}/database_url"].endswith("@db.example:6543/stateroom")
        assert before[f"{part}/nats_url"] == f"nats://{part}:{before[f'nats/{part}']}@nats:4222"
    assert {name for name in before if name.endswith("sealing-keys.json")} == {"execution/sealing-keys.json"}
    assert {name for name in before if name.endswith("bootstrap.token")} == {"workspace/bootstrap.token"}
    assert before["postgres/admin.password"] in before["migrate/admin_database_url"]


async def test_keys_as_secrets_prints_what_the_directory_holds(
    private_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A manifest of the same keys as the folders; without a directory each one has new keys."""
    directory = private_folder / "kept"
    await _hand_out(directory)
    await _hand_out(directory, format="secret", name="mine")
    secrets = yaml.safe_load_all(capsys.readouterr().out)
    found = {secret["metadata"]["name"]: secret["stringData"] for secret in secrets}
    assert list(found) == ["mine-keys", "mine-postgresql", "mine-nats"]
    assert found["mine-keys"] == _content(directory / "keys")
    assert found["mine-postgresql"]["audit-url"] == (directory / "parts/audit/database_url").read_text()
    assert found["mine-nats"]["audit-url"] == (directory / "parts/audit/nats_url").read_text()
    await _hand_out(None, format="secret")
    once = capsys.readouterr().out
    await _hand_out(None, format="secret")
    assert capsys.readouterr().out != once
