"""Finds out what a project is built with, and has its tools install what it needs. They print for themselves."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.inside.report import Refused, say

_VENV = ".venv"
_PIP = f"{_VENV}/bin/python"


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: the files that call for it, the most exact first, with the commands that install what each asks for."""

    name: str
    program: str
    version: str
    manifests: dict[str, Sequence[Sequence[str]]]


def _pip(*arguments: str) -> Sequence[Sequence[str]]:
    return (("python3", "-m", "venv", _VENV), (_PIP, "-m", "pip", "install", "--no-input", *arguments))


TOOLS = (
    Tool("pnpm", "pnpm", "--version", {"pnpm-lock.yaml": (("pnpm", "install", "--frozen-lockfile"),)}),
    Tool("yarn", "yarn", "--version", {"yarn.lock": (("yarn", "install", "--frozen-lockfile"),)}),
    Tool("npm", "npm", "--version", {"package-lock.json": (("npm", "ci"),), "package.json": (("npm", "install"),)}),
    Tool("uv", "uv", "--version", {"uv.lock": (("uv", "sync", "--frozen"),)}),
    Tool("poetry", "poetry", "--version", {"poetry.lock": (("poetry", "install", "--no-interaction"),)}),
    Tool(
        "pip",
        "python3",
        "--version",
        {"requirements.txt": _pip("-r", "requirements.txt"), "pyproject.toml": _pip("--editable", ".")},
    ),
    Tool("go", "go", "version", {"go.mod": (("go", "mod", "download"),)}),
    Tool("cargo", "cargo", "--version", {"Cargo.toml": (("cargo", "fetch"),)}),
    Tool("bundler", "bundle", "--version", {"Gemfile": (("bundle", "install"),)}),
    Tool("composer", "composer", "--version", {"composer.json": (("composer", "install", "--no-interaction"),)}),
    Tool("make", "make", "--version", {"Makefile": (), "makefile": (), "GNUmakefile": ()}),
)
"""In the order of their work."""
INSTEAD = {"npm": ("pnpm", "yarn"), "pip": ("uv", "poetry")}
"""Tools that are not called for where one of these is: they share a manifest."""


def run(order: dict[str, Any]) -> dict[str, Any]:
    """Install what the folder of an order calls for, or what it names. Refused when a tool is missing or fails."""
    wanted = order["configure_tooling"]
    folder = Path(wanted.get("directory", "."))
    if not folder.is_dir():
        reason = "FILE_NOT_FOUND"
        raise Refused(reason, f"there is no folder {folder}", path=str(folder))
    tools = [_configure(tool, manifest, folder) for tool, manifest in _called_for(folder, wanted.get("tools", ()))]
    result = {"configured_tooling": {"tools": tools}}
    for outcome, reason, words in (
        ("MISSING", "TOOL_MISSING", "not installed in this workspace"),
        ("FAILED", "TOOL_FAILED", "failed"),
    ):
        names = [tool["name"] for tool in tools if tool["outcome"] == outcome]
        if names:
            raise Incomplete(reason, f"{', '.join(names)}: {words}", result)
    return result


class Incomplete(Refused):
    """Something is done, and something is not; `result` says which."""

    def __init__(self, reason: str, message: str, result: dict[str, Any]) -> None:
        super().__init__(reason, message)
        self.result = result


def _called_for(folder: Path, names: Sequence[str]) -> Iterator[tuple[Tool, str]]:
    found = {tool.name: next((name for name in tool.manifests if (folder / name).is_file()), "") for tool in TOOLS}
    for tool in TOOLS:
        replaced = any(found[other] for other in INSTEAD.get(tool.name, ()))
        if tool.name in names or (not names and found[tool.name] and not replaced):
            yield tool, found[tool.name]


def _configure(tool: Tool, manifest: str, folder: Path) -> dict[str, Any]:
    facts = {"name": tool.name, "manifest": manifest, "version": _version(tool)}
    if not facts["version"]:
        say(f"{tool.name}: not installed")
        return facts | {"outcome": "MISSING"}
    commands = tool.manifests.get(manifest, ())
    for command in commands:
        say(f"$ {' '.join(command)}")
        if subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, check=False).returncode != 0:  # noqa: S603  # of the table
            return facts | {"outcome": "FAILED"}
    return facts | {"outcome": "INSTALLED" if commands else "PRESENT"}


def _version(tool: Tool) -> str:
    if shutil.which(tool.program) is None:
        return ""
    said = subprocess.run(  # noqa: S603  # of the table
        (tool.program, tool.version), capture_output=True, stdin=subprocess.DEVNULL, check=False
    )
    text = (said.stdout or said.stderr).decode(errors="replace").strip()
    return (text.splitlines()[0][:100] if text else os.fspath(tool.program)) if said.returncode == 0 else ""
