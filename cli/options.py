"""Fields of the API under the names of the options that fill them, for sentences of the server."""

import re

OPTIONS = {
    "branch": "--branch",
    "description": "--description",
    "entityId": "--entity",
    "environment": "--env",
    "force": "--force",
    "repositoryUrl": "--repo",
    "scopes": "--scope",
    "shell": "--shell",
    "timeout": "--timeout",
    "title": "--title",
    "workingDirectory": "--directory",
}
"""Only those that are the same in all commands: `name` is an argument of some, and an option of others."""

_FIELD = re.compile(r"^(\w+)(?=[\w.\[\]]*: )", re.MULTILINE)
_QUOTED = re.compile(r"`(\w+)`")


def in_options(message: str) -> str:
    """Return a server's sentence with options in the place of fields: blamed at a line's beginning, or quoted."""
    blamed = _FIELD.sub(lambda found: OPTIONS.get(found[1], found[1]), message)
    return _QUOTED.sub(lambda found: f"`{OPTIONS.get(found[1], found[1])}`", blamed)
