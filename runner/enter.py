# Pathlib would double the start of every shell; the temporary folders are the inside's own:
# ruff: noqa: PTH103, PTH110, PTH112, PTH114, PTH115, PTH120, PTH123, PTH211, S108
"""Starts one program inside a sandbox and stays as its keeper: run by path with `python -I -S`, without our modules.

It reads one JSON object from the descriptor given as first argument, and writes lines to the one given as second:
`ready` before the program begins, then `exit N` or `signal N` when it ended, or `error TEXT`. The keeper itself lives
until every descendant of the program is gone, also those that left the session, because it is their reaper.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import resource
import signal
import sys
import termios

TYPE_CHECKING = False
if TYPE_CHECKING:  # the real one would import a module that only a type checker needs, in every shell's keeper
    from typing import Any, NoReturn

    Description = dict[str, Any]

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_CHILD_SUBREAPER = 1, 38, 36
_PR_CAPBSET_DROP, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 24, 47, 4
_CLONE_NEWNS, _CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWPID = 0x00020000, 0x08000000, 0x10000000, 0x20000000
_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
_MNT_DETACH, _AT_FDCWD, _AT_RECURSIVE = 2, -100, 0x8000
_MOUNT_SETATTR = 442
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_MOUNT_ATTR_RDONLY, _MOUNT_ATTR_NOSUID = 1, 2
_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION = 0x20080522
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")


def _check(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _prctl(option: int, value: int = 1, third: int = 0) -> int:
    result: int = _LIBC.prctl(
        option, ctypes.c_ulong(value), ctypes.c_ulong(third), ctypes.c_ulong(0), ctypes.c_ulong(0)
    )
    return result


def _mount(source: str | None, target: str, kind: str | None = None, flags: int = 0, data: str | None = None) -> None:
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    _check(_LIBC.mount(encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3]), f"mount {target}")


def _read_only(target: str) -> None:
    attributes = (ctypes.c_uint64 * 4)(_MOUNT_ATTR_RDONLY | _MOUNT_ATTR_NOSUID, 0, 0, 0)
    arguments = (_MOUNT_SETATTR, _AT_FDCWD, os.fsencode(target), _AT_RECURSIVE, attributes, ctypes.sizeof(attributes))
    _check(_LIBC.syscall(*arguments), f"read-only {target}")


def _bind(root: str, path: str, *, writable: bool) -> None:
    """Show a path of the outside at the same place inside; symbolic links stay links."""
    target = root + path
    if os.path.islink(path):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.symlink(os.readlink(path), target)
        return
    if not os.path.exists(path):
        return
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    elif not os.path.exists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    _mount(path, target, flags=_MS_BIND | _MS_REC)
    if not writable:
        _read_only(target)


def _make_devices(root: str) -> None:
    """A /dev with the harmless devices, a terminal folder of its own, and our own terminal as the console."""
    _mount("tmpfs", root + "/dev", "tmpfs", _MS_NOSUID, "mode=755,size=65536k")
    for name in _DEVICES:
        _bind(root, "/dev/" + name, writable=True)
    for name, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink("/proc/self/" + target, f"{root}/dev/{name}")
    os.makedirs(root + "/dev/shm")
    _mount("tmpfs", root + "/dev/shm", "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=1777")
    os.makedirs(root + "/dev/pts")
    _mount("devpts", root + "/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=0620")
    os.symlink("pts/ptmx", root + "/dev/ptmx")
    if os.isatty(0):
        os.close(os.open(root + "/dev/console", os.O_CREAT | os.O_WRONLY, 0o600))
        _mount(os.ttyname(0), root + "/dev/console", flags=_MS_BIND)


def _make_proc(root: str, machine_wide: list[str]) -> None:
    """A /proc of the room's own processes, through which nothing of the machine can be changed."""
    _mount("proc", root + "/proc", "proc", _MS_NOSUID | _MS_NODEV)
    for name in machine_wide:
        path = f"{root}/proc/{name}"
        if os.path.exists(path):
            _mount(path, path, flags=_MS_BIND | _MS_REC)
            _read_only(path)


def _build_root(spec: Description) -> None:
    """Make a root that holds only what the room may see, and move into it."""
    root = spec["root"]
    _mount(None, "/", flags=_MS_REC | _MS_PRIVATE)
    _mount("tmpfs", root, "tmpfs", _MS_NOSUID, "mode=755,size=16384k")
    for folder in ("/dev", "/proc", "/tmp", "/run", "/var"):
        os.makedirs(root + folder)
    _mount("tmpfs", root + "/tmp", "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=1777")
    os.symlink("/tmp", root + "/var/tmp")
    for path in spec["read_only"]:
        _bind(root, path, writable=False)
    for path in spec["late_read_only"]:
        _bind(root, path, writable=False)
    for path in spec["hidden"]:
        if os.path.isdir(root + path):
            _mount("tmpfs", root + path, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755")
    for path in spec["writable"]:
        _bind(root, path, writable=True)
    _make_devices(root)
    _make_proc(root, spec["machine_wide"])
    os.chdir(root)
    _check(_LIBC.syscall(_PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
    _check(_LIBC.umount2(b".", _MNT_DETACH), "umount")
    os.chdir("/")


def _unshare() -> None:
    """Leave the mounts and processes of the outside; without root by way of a user namespace."""
    user, group = os.getuid(), os.getgid()
    flags = _CLONE_NEWNS | _CLONE_NEWPID | _CLONE_NEWIPC
    _check(_LIBC.unshare(flags if user == 0 else flags | _CLONE_NEWUSER), "unshare")
    if user == 0:
        return
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open("/proc/self/" + name, "w") as file:
            file.write(text)


def _drop_capabilities() -> None:
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    for capability in range(64):
        if _prctl(_PR_CAPBSET_DROP, capability) < 0:
            break
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    _check(_LIBC.syscall(_CAPSET[os.uname().machine], header, (ctypes.c_uint32 * 6)()), "capset")


def _become(spec: Description, parent: int) -> None:
    """Turn this process into the program."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    os.setsid()
    if spec["terminal"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(spec["directory"])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(_PR_SET_NO_NEW_PRIVS)
    if spec["level"] == "landlock":
        _confine(spec)
    if spec["level"] in ("namespaces", "landlock"):
        _drop_capabilities()
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    os.umask(0o022)


def _confine(spec: Description) -> None:
    """Give up the files and the limits of the outside. The modules stand beside us, but `-I` looks for none there."""
    sys.path.insert(0, os.path.dirname(os.path.dirname(__file__)))
    from runner import landlock, seccomp  # noqa: PLC0415  # only who needs them pays for them

    landlock.confine(spec["readable"], spec["writable"], spec["devices"])
    seccomp.keep_limits_to_itself()


def _start(spec: Description, report: int) -> int:
    """Fork the program and return its process id."""
    parent = os.getpid() if spec["level"] != "namespaces" else 1
    child = os.fork()
    if child:
        return child
    try:
        _become(spec, parent)
        arguments = _through_descriptor(spec) if spec["options"] else spec["argv"]
        os.write(report, b"ready\n")
        os.execve(arguments[0], arguments, spec["environment"])  # noqa: S606 no shell is meant
    except BaseException as error:  # noqa: BLE001 whatever happens, the child must not go on as a second keeper
        os.write(report, f"error {error}\n".encode())
        os.write(2, f"{spec['argv'][0]}: {error}\n".encode())
    os._exit(127)


def _through_descriptor(spec: Description) -> list[str]:
    """Hand options to a program by descriptor, because everyone may read a command line."""
    descriptor = os.memfd_create("options", 0)
    os.write(descriptor, b"".join(os.fsencode(option) + b"\0" for option in spec["options"]))
    os.lseek(descriptor, 0, os.SEEK_SET)
    return [spec["argv"][0], "--args", str(descriptor), *spec["argv"][1:]]


def _keep(child: int, report: int) -> NoReturn:
    """Reap everything until nothing is left; report how the program ended at once."""
    quiet = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(quiet, descriptor)
    while True:
        try:
            process, status = os.wait()
        except ChildProcessError:
            os._exit(0)
        except OSError as error:
            if error.errno != errno.EINTR:
                raise
            continue
        if process == child:
            how, number = (
                ("signal", os.WTERMSIG(status)) if os.WIFSIGNALED(status) else ("exit", os.WEXITSTATUS(status))
            )
            os.write(report, f"{how} {number}\n".encode())


def main() -> None:
    """Read what to do, do it, keep it."""
    source, report = int(sys.argv[1]), int(sys.argv[2])
    with open(source, "rb") as file:
        spec = json.load(file)
    os.set_inheritable(report, False)  # noqa: FBT003 the only form
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != spec["parent"]:
        os._exit(1)
    try:
        if spec["level"] == "namespaces":
            _unshare()
            init = os.fork()
            if init:
                _keep(init, os.open(os.devnull, os.O_WRONLY))
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            _build_root(spec)
        else:
            _prctl(_PR_SET_CHILD_SUBREAPER)
        child = _start(spec, report)
    except (OSError, KeyError) as error:
        os.write(report, f"error {error}\n".encode())
        os._exit(1)
    _keep(child, report)


if __name__ == "__main__":
    main()
