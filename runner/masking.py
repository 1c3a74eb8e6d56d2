"""Registered secrets are replaced in what a terminal prints, before anything is stored or shown.

A secret is found as it is and in the forms in which programs print one, also when it comes in parts. For that, an end
of the output that is the beginning of a secret is held back until more comes, or for a moment: then it is let go, but
what completes the secret later is masked all the same, so that it is never whole in the log.
"""

import asyncio
import base64
import json
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus

from runner.handover import MaskState

MINIMUM, MAXIMUM = 6, 4096
"""Bytes of a secret: a shorter one would be found everywhere."""

_SURE = 4  # bytes of a beginning that is hardly chance
_MOMENT = 0.02  # seconds that any other is held back: nobody sees that a key's echo is so late
_LONG_MOMENT = 2.0  # seconds between two keys of somebody who types a secret
_BITS = 3  # alignments of bytes in base64


class Mask:
    """What replaces secrets in the output of one terminal. `output` gets what may be stored."""

    def __init__(self, output: Callable[[bytes], None]) -> None:
        self._output = output
        self._secrets: dict[str, bytes] = {}
        self._forms: dict[bytes, bytes] = {}
        self._buffer = b""
        self._released = 0
        self._timer: asyncio.TimerHandle | None = None

    def state(self) -> MaskState:
        """Return what the code after an upgrade needs of it."""
        return MaskState(self._secrets, self._buffer, self._released)

    def restore(self, state: MaskState) -> None:
        """Go on from before an upgrade."""
        for name, secret in state.secrets.items():
            self.register(name, secret)
        self._buffer, self._released = state.buffer, state.released
        self._work(b"")

    def register(self, name: str, secret: bytes) -> None:
        """Mask a secret from now on; another one of that name is masked no more."""
        self._secrets[name] = secret
        shown = {each: f"[secret {each}]".encode() for each in self._secrets}
        self._forms = {form: shown[each] for each, value in self._secrets.items() for form in forms(value)}

    def feed(self, data: bytes) -> None:
        """Take what was printed, and hand on what is known to be no part of a secret."""
        self._work(data)

    def clean(self, text: str) -> str:
        """Return a text that is there as a whole without the secrets in it."""
        whole, parts, at = text.encode(), list[bytes](), 0
        for begin, end, shown in self._spans(whole):
            parts += [whole[at:begin], shown]
            at = end
        return b"".join((*parts, whole[at:])).decode("utf-8", "replace") if parts else text

    def flush(self) -> None:
        """Hand on what is held back: nothing follows."""
        self._release()
        self._buffer, self._released = b"", 0

    def _work(self, data: bytes) -> None:
        self._stop_waiting()
        self._buffer += data
        cut = self._beginning()
        shown = self._emit(cut)
        self._buffer = self._buffer[cut:]
        self._released = shown - cut
        held = len(self._buffer)
        if held > self._released:
            delay = _LONG_MOMENT if held >= _SURE else _MOMENT
            self._timer = asyncio.get_running_loop().call_later(delay, self._release)

    def _release(self) -> None:
        """Hand on what is held back, and remember it as the beginning of what may follow."""
        self._stop_waiting()
        self._released = self._emit(len(self._buffer))

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _emit(self, cut: int) -> int:
        """Hand on the buffer up to a place; return up to where it is handed on, further where a secret goes on."""
        parts, at = list[bytes](), self._released
        for begin, end, shown in self._spans(self._buffer):
            if end > at and begin < cut:
                parts += [self._buffer[at:begin], shown]
                at = end
        parts.append(self._buffer[at:cut])
        if made := b"".join(parts):
            self._output(made)
        return max(at, cut)

    def _spans(self, text: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Yield where secrets stand, in order; those that overlap are one."""
        found = sorted(
            (begin, begin + len(form), shown) for form, shown in self._forms.items() for begin in _places(text, form)
        )
        last: tuple[int, int, bytes] | None = None
        for span in found:
            if last is None or span[0] >= last[1]:
                if last is not None:
                    yield last
                last = span
            else:
                last = (last[0], max(last[1], span[1]), last[2])
        if last is not None:
            yield last

    def _beginning(self) -> int:
        """Return where an end of the buffer begins that a secret begins with; its length when there is none."""
        size = len(self._buffer)
        return min((_overlap(self._buffer, form) for form in self._forms), default=size)


def forms(secret: bytes) -> set[bytes]:
    """Return a secret as programs print it: as it is, with a terminal's newlines, in JSON, URLs, hex and base64."""
    text = secret.decode("utf-8", "replace")
    percent = quote(secret, safe="")
    made = {
        secret,
        secret.replace(b"\n", b"\r\n"),
        json.dumps(text)[1:-1].encode(),
        json.dumps(text, ensure_ascii=False)[1:-1].encode(),
        percent.encode(),
        quote(secret).encode(),
        quote_plus(secret).encode(),
        _lower_escapes(percent).encode(),
        secret.hex().encode(),
        secret.hex().upper().encode(),
    }
    for encoded in map(secret_in_base64, [secret] * _BITS, range(_BITS)):
        made |= {encoded, encoded.translate(bytes.maketrans(b"+/", b"-_"))}
    return {form for form in made if len(form) >= MINIMUM}


def secret_in_base64(secret: bytes, shift: int) -> bytes:
    """Return those characters of base64 that a secret alone decides when it stands behind `shift` bytes."""
    encoded = base64.b64encode(b"\0" * shift + secret)
    begin = -(-shift * 8 // 6)
    return encoded[begin : (shift + len(secret)) * 8 // 6]


def _lower_escapes(percent: str) -> str:
    first, *rest = percent.split("%")
    return "%".join([first, *(part[:2].lower() + part[2:] for part in rest)])


def _places(text: bytes, form: bytes) -> Iterator[int]:
    at = text.find(form)
    while at >= 0:
        yield at
        at = text.find(form, at + 1)


def _overlap(text: bytes, form: bytes) -> int:
    """Return where the longest end of a text begins that a form begins with, and is longer than."""
    at = text.find(form[:1], max(0, len(text) - len(form) + 1))
    while at >= 0 and not form.startswith(text[at:]):
        at = text.find(form[:1], at + 1)
    return at if at >= 0 else len(text)
