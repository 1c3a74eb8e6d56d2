"""Names in a snapshot's tree. git reserves some, so they are written with a sign before them, and so is the sign."""

_SIGN = b"%"
_RESERVED = b".git"


def stored(path: bytes) -> bytes:
    """Return the path under which a snapshot keeps one: `sub/.git/HEAD` as `sub/%.git/HEAD`."""
    return b"/".join(_signed(name) for name in path.split(b"/"))


def original(path: bytes) -> bytes:
    """Return the path that is stored under this one."""
    return b"/".join(name.removeprefix(_SIGN) for name in path.split(b"/"))


def _signed(name: bytes) -> bytes:
    return _SIGN + name if name.lower().startswith((_SIGN, _RESERVED)) else name
