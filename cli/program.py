"""How this command is called, for sentences that name the next one: what they say can be copied and run."""

import os
import shutil
import sys
from pathlib import Path

_NAME = "stateroom"


def name() -> str:
    """Return `stateroom` where the shell finds this one by that name, else its path, short where that is short."""
    own = Path(sys.executable).with_name(_NAME)
    found = shutil.which(_NAME)
    if not own.exists() or (found and Path(found).samefile(own)):
        return _NAME
    return min(str(own), os.path.relpath(own), key=len)
