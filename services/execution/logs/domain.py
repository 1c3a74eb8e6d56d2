"""Lines that steps say."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum


class Level(IntEnum):
    """How much a line matters."""

    DEBUG = 1
    INFO = 2
    WARNING = 3
    ERROR = 4
    FATAL = 5


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an attempt of a step. `position` is where it ends in the log of its execution, in characters."""

    path: str
    attempt: int
    level: Level
    message: str
    log_time: datetime
    position: int = 0
