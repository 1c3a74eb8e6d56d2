"""Agents known by name: what starts them, and how people get them. None is bundled but the understudy."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PREFIX = "npm install -g --prefix ~/.local"  # where a room's programs may write, and where agents are looked for
_PACKAGE = Path(__file__).resolve().parents[2] / "understudy"


@dataclass(frozen=True, slots=True)
class Preset:
    """How an agent is started.

    Attributes:
        command: the program and its arguments.
        remedy: what to do where it is not installed.
        environment: variables that it needs.
        readable: paths that it reads beside the system's.
    """

    command: Sequence[str]
    remedy: str
    environment: Mapping[str, str] = field(default_factory=dict)
    readable: tuple[Path, ...] = ()


PRESETS = {
    "claude-code": Preset(
        ("claude-agent-acp",),
        f"run `{_PREFIX} @agentclientprotocol/claude-agent-acp` in a terminal of the room, and set ANTHROPIC_API_KEY",
    ),
    "codex": Preset(
        ("codex-acp",),
        f"run `{_PREFIX} @zed-industries/codex-acp` in a terminal of the room, and give it OPENAI_API_KEY",
    ),
    "gemini": Preset(
        ("gemini", "--acp"),
        f"run `{_PREFIX} @google/gemini-cli` in a terminal of the room, and give it GEMINI_API_KEY",
    ),
    "goose": Preset(
        ("goose", "acp"), "install Goose to ~/.local/bin in a terminal of the room, and run `goose configure` there"
    ),
    "opencode": Preset(
        ("opencode", "acp"), f"run `{_PREFIX} opencode-ai` in a terminal of the room, then `opencode auth login`"
    ),
    "understudy": Preset(
        (sys.executable, "-P", "-m", "understudy"),
        "it comes with Stateroom",
        {"PYTHONPATH": str(_PACKAGE.parent)},
        (_PACKAGE, Path(sys.prefix), Path(sys.base_prefix)),
    ),
}
"""By the names of the contract."""
