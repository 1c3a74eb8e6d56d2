"""`python -m embedded up | down | status | demo | keys`: an installation on this machine, in one folder."""

import argparse
import shlex
from pathlib import Path

from rich.console import Console

from cli import program
from embedded import foreground, lock, settings
from embedded.demo.command import Demo
from embedded.down import down
from embedded.endpoint import Endpoint
from embedded.hand_out import hand_out
from embedded.layout import open_layout
from embedded.progress import Progress
from embedded.running import find_running
from embedded.status import status
from embedded.supervisor import Supervisor

_FOLDER = ".stateroom"


async def up(options: argparse.Namespace, progress: Progress) -> int:
    """Start the installation and stay; find the one that runs instead, when there is one."""

    async def stay(_: Endpoint) -> bool:
        progress.say(
            f"In another terminal{_way_to(options.data)}:\n"
            f"  {program.name()} workspace create my-room --repo https://…   (or a local path)\n"
            f"  {program.name()} session create my-room --attach\n"
            "Ctrl-C stops it and ends the sessions; rooms, files and logs are kept.\n"
            f"`{program.name()} down --keep-sessions` lets them go on until the next start."
        )
        return True

    try:
        with lock.held(options.data):
            await _supervisor(options, progress).run(stay)
    except lock.AlreadyRunning:
        endpoint = await find_running(options.data)
        progress.say(f"Already running: {endpoint.gateway}; `{program.name()} down` stops it.")
    return 0


def _way_to(data: Path) -> str:
    """Return what makes other commands find an installation."""
    if data.name == _FOLDER:
        return f", in {data.parent}"
    return f", after `export STATEROOM_DATA={shlex.quote(str(data))}`"


async def demo(options: argparse.Namespace, progress: Progress) -> int:
    """Start the installation, or find the one that runs, and show the main job on it."""
    tour = Demo(_repository(options.repo), options.data, once=options.once)
    try:
        with lock.held(options.data):
            await _supervisor(options, progress).run(tour.run)
    except lock.AlreadyRunning:
        await tour.run(await find_running(options.data))
    return 0 if tour.passed else 1


def _repository(text: str) -> str:
    """Return a URL as it is, and a local path in full."""
    return text if "://" in text else str(Path(text).expanduser().absolute())


def _supervisor(options: argparse.Namespace, progress: Progress) -> Supervisor:
    given = settings.load()
    layout = open_layout(options.data, given.runtime_folder)
    return Supervisor(layout, given, progress, http_port=options.http)


_SUMMARIES = {
    "up": "start and stay",
    "demo": "start and show the main job",
    "status": "show what runs, and where its metrics are",
    "down": "stop",
    "keys": "make the keys and passwords of an installation that something else runs",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="stateroom", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, summary in _SUMMARIES.items():
        command = commands.add_parser(name, help=summary)
        if name == "keys":
            _describe_keys(command)
            continue
        command.add_argument("--data", type=_folder, default=Path(_FOLDER).absolute(), help="folder of everything")
        if name == "status":
            command.add_argument("--json", action="store_true", help="print JSON, one object per line")
        if name in {"up", "demo"}:
            command.add_argument("--http", type=_port, default=0, metavar="PORT", help="port of the gateway")
        if name == "down":
            command.add_argument("--keep-sessions", action="store_true", help="what runs in rooms goes on")
        if name == "demo":
            command.add_argument("--repo", default=str(Path.cwd()), help="git repository: https URL or local path")
            command.add_argument("--once", action="store_true", help="end after the tour")
    return parser


def _describe_keys(command: argparse.ArgumentParser) -> None:
    command.add_argument("--directory", type=_folder, help="where they are kept; what is there is never replaced")
    command.add_argument("--format", choices=("files", "secret"), default="files", help="what comes of it")
    command.add_argument("--into", type=_folder, help="where each part finds its files; DIRECTORY/parts")
    command.add_argument("--name", default="stateroom", help="beginning of the names of Secrets")
    command.add_argument("--database", default="postgres:5432", metavar="HOST:PORT", help="where PostgreSQL is")
    command.add_argument("--nats", default="nats:4222", metavar="HOST:PORT", help="where NATS is")


def _folder(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:  # noqa: PLR2004  # the range of TCP ports
        msg = f"{text!r} is not a port: 1 to 65535"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def main() -> None:
    """Run the command of the command line."""
    parser = _parser()
    options = parser.parse_args()
    if options.command == "keys" and options.format == "files" and options.directory is None:
        parser.error("--directory says where the keys are kept")
    progress = Progress(Console())
    work = {"up": up, "demo": demo, "status": status, "down": down, "keys": hand_out}[options.command]
    foreground.run(work(options, progress))


if __name__ == "__main__":
    main()
