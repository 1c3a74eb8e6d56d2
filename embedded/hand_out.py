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

Files = Mapping[str, str]


async def hand_out(options: argparse.Namespace, progress: Progress) -> int:
    """Make what is missing in the directory, and hand each part its own: a folder, or a Secret that is printed."""
    with _kept_in(options.directory) as layout:
        files = parts.of(layout, database=options.database, nats=options.nats)
    if options.format == "secret":
        sys.stdout.write(secrets(files, options.name))
        return 0
    into = options.into or options.directory / "parts"
    for part, content in files.items():
        _write(into / part, content)
    progress.say(f"Each part's keys, passwords and URLs are in {into}: {', '.join(files)}.")
    return 0


def secrets(files: Mapping[str, Files], name: str) -> str:
    """Return a manifest with a Secret for each part."""
    documents = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"{name}-{part}", "labels": {"app.kubernetes.io/part-of": name}},
            "type": "Opaque",
            "stringData": dict(content),
        }
        for part, content in files.items()
    ]
    manifest: str = yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True)
    return manifest


@contextmanager
def _kept_in(directory: Path | None) -> Iterator[Layout]:
    """Give the layout in the directory; without one, what is made is kept nowhere but in what comes of it."""
    with tempfile.TemporaryDirectory(prefix="stateroom-") as scratch:
        data = directory or Path(scratch)
        layout = Layout(data=data, runtime=Path(scratch))
        for folder in (data, layout.keys, layout.passwords):
            private_files.folder(folder)
        yield layout


def _write(folder: Path, content: Files) -> None:
    private_files.folder(folder)
    for name, text in content.items():
        file = folder / name
        if not file.exists() or file.read_text() != text:
            private_files.write(file, text)
