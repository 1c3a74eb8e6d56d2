"""The kinds of files that a log becomes: a module for each."""

from services.session.history.domain import Form, Format, Recording, Wish
from services.session.history.forms.cast import Cast
from services.session.history.forms.ndjson import Ndjson
from services.session.history.forms.text import Text


def form_of(wish: Wish, recording: Recording) -> Form:
    """Return what makes the file that somebody wants."""
    match wish.format:
        case Format.CAST:
            return Cast(recording, wish.idle_time_limit)
        case Format.TEXT:
            return Text(recording)
        case Format.NDJSON:
            return Ndjson()
