"""What the tests of the embedded installation share."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def private_folder() -> Iterator[Path]:
    """Return a folder of mode 0700 whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="sr-test-") as path:
        yield Path(path)
