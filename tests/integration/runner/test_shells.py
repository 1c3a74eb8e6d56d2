"""The shells of a room: each starts with a prompt of ours, once, and ends as it wants."""

import shutil
from pathlib import Path

import pytest

from runner import shell
from runner.errors import ShellNotFound
from runner.record import exit_of
from runner.sandbox import PATH
from runner.terminals import Terminals
from tests.support.runner_rooms import Follower, open_live, order, type_line

START_FILES = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}
ENVIRONMENT = {"WORKSPACE_NAME": "attic"}


@pytest.fixture(params=sorted(START_FILES))
def installed_shell(request: pytest.FixtureRequest) -> str:
    """The name of each shell that this machine has."""
    name = str(request.param)
    if shutil.which(name, path=PATH) is None:
        pytest.skip(f"{name} is not installed")
    return name


async def test_open_shell_shows_its_prompt_and_runs_what_is_typed(table: Terminals, installed_shell: str) -> None:
    """The prompt names the room, SHELL the shell, and the exit code is its own. None asks questions at first."""
    terminal = await open_live(table, order(shell=installed_shell, environment=ENVIRONMENT))
    follower = Follower(terminal.spool)
    await follower.until(b"attic")
    await type_line(terminal, "echo over-$SHELL; exit 7")
    ended = exit_of(await follower.end())
    assert f"over-{shutil.which(installed_shell, path=PATH)}".encode() in follower.output
    assert ended.code == 7


async def test_open_shell_reads_the_start_up_file_that_the_room_changed(
    table: Terminals, room_folder: Path, installed_shell: str
) -> None:
    """What a person wrote there is neither overwritten nor skipped."""
    path = room_folder / "home" / START_FILES[installed_shell]
    shell.furnish(room_folder / "home", installed_shell)
    path.write_text("echo my own start\n")
    terminal = await open_live(table, order(shell=installed_shell))
    await Follower(terminal.spool).until(b"my own start")
    assert path.read_text() == "echo my own start\n"


@pytest.mark.parametrize("link", [".config", ".config/fish", ".config/fish/config.fish", ".zshrc", ".bashrc"])
def test_furnish_home_with_a_link_writes_nothing_beyond_it(tmp_path: Path, link: str) -> None:
    """Programs of a room own its home; a link in it must not have the runner write elsewhere."""
    home, outside = tmp_path / "home", tmp_path / "outside"
    outside.mkdir()
    (home / link).parent.mkdir(parents=True)
    (home / link).symlink_to(outside / "made" if link.endswith(("rc", ".fish")) else outside)
    for name in START_FILES:
        shell.furnish(home, name)
    assert list(outside.iterdir()) == []


def test_describe_shell_that_is_not_installed_names_those_that_are(tmp_path: Path) -> None:
    """The sentence says what to ask for instead."""
    (tmp_path / "files").mkdir()
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("bash", "fish"):
        (programs / name).touch(mode=0o755)
    with pytest.raises(ShellNotFound, match="zsh is not installed where this workspace runs; there are: bash, fish"):
        shell.describe(tmp_path, "zsh", "", {}, path=str(programs))
