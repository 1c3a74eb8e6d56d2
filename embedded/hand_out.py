"""`stateroom keys`: all keys and passwords of an installation that no supervisor runs."""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from embedded import parts, private_files
from embedded.layout import Layout
from embedded.progress import Progress


async def hand_out(options: argparse.Namespace, progress: Progress) -> int:
    """Make what is missing in the directory, and hand it out: a folder for each part, or Secrets that are printed."""
    with _kept_in(options.directory) as layout:
        access = parts.access(layout, database=options.database, nats=options.nats)
        if options.format == "secret":
            sys.stdout.write(manifest(parts.secrets(layout, access), options.name))
            return 0
        folders = parts.folders(layout, access)
    into = options.into or options.directory / "parts"
    for part, files in folders.items():
        _write(into / part, files)
    progress.say(f"The keys, passwords and URLs of each part are in {into}: {', '.join(folders)}.")
    return 0


def manifest(secrets: Mapping[str, parts.Files], name: str) -> str:
    """Return the Secrets for `kubectl create -f -`, which never replaces one that is there."""
    documents = [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"{name}-{end}"}, "stringData": files}
        for end, files in secrets.items()
    ]
    text: str = yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True)
    return text


@contextmanager
def _kept_in(directory: Path | None) -> Iterator[Layout]:
    """Give the layout in the directory; without one, what is made is kept nowhere but in what comes of it."""
    with tempfile.TemporaryDirectory(prefix="stateroom-") as scratch:
        data = directory or Path(scratch)
        layout = Layout(data=data, runtime=Path(scratch))
        for folder in (data, layout.keys, layout.passwords):
            private_files.folder(folder)
        yield layout


def _write(folder: Path, files: parts.Files) -> None:
    private_files.folder(folder)
    for name, text in files.items():
        file = folder / name
        if not file.exists() or file.read_text() != text:
            private_files.write(file, text)
