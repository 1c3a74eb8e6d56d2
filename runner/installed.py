"""Whether the code that is installed now is the code that runs."""

import os
import sys
from hashlib import sha256

_SHOWN = 12  # hexadecimal digits


def loaded_files() -> list[str]:
    """Return the files of all modules of this process, those of its dependencies and of Python too."""
    found = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    return sorted({file for file in found if file})


def fingerprint(files: list[str]) -> str:
    """Return what changes when one of the files is written anew; cheap, because it reads none of them."""
    digest = sha256()
    for file in files:
        try:
            found = os.stat(file)  # noqa: PTH116  # some seven hundred of them
            digest.update(f"{file}\0{found.st_size}\0{found.st_mtime_ns}\0".encode())
        except OSError:
            digest.update(f"{file}\0".encode())
    return digest.hexdigest()[:_SHOWN]


class RunningCode:
    """The code of this process as it was at the start."""

    def __init__(self) -> None:
        self._files = loaded_files()
        self.version = fingerprint(self._files)

    def is_installed(self) -> bool:
        """Whether a process that starts now would run the same code."""
        return fingerprint(self._files) == self.version
