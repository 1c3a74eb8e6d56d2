"""A name for a user id that has none: clusters may run containers under any number, and initdb insists on a name."""

import os
import pwd
from pathlib import Path

from embedded import private_files

_WRAPPER = "libnss_wrapper.so"
"""Answers questions about users from files of ours (Debian's package libnss-wrapper); our images have it."""


def environment(folder: Path) -> dict[str, str]:
    """Return what a program has to find in its environment to know us by a name; nothing where we have one."""
    user, group = os.geteuid(), os.getegid()
    try:
        pwd.getpwuid(user)
    except KeyError:
        users, groups = folder / "passwd", folder / "group"
        private_files.write(users, f"stateroom:x:{user}:{group}::/:/bin/false\n")
        private_files.write(groups, f"stateroom:x:{group}:\n")
        return {"LD_PRELOAD": _WRAPPER, "NSS_WRAPPER_PASSWD": str(users), "NSS_WRAPPER_GROUP": str(groups)}
    return {}
