"""What was looked at, and what came of it."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How something is."""

    GOOD = "good"
    DEGRADED = "degraded"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: how it is, in a sentence, and what to do, unless it is good."""

    subject: str
    verdict: Verdict
    said: str
    advice: str = ""

    @classmethod
    def good(cls, subject: str, said: str) -> "Finding":
        """Return that something is as it should be."""
        return cls(subject, Verdict.GOOD, said)

    @classmethod
    def degraded(cls, subject: str, said: str, advice: str) -> "Finding":
        """Return that something works, and not as well as it could."""
        return cls(subject, Verdict.DEGRADED, said, advice)

    @classmethod
    def missing(cls, subject: str, said: str, advice: str) -> "Finding":
        """Return that something does not work."""
        return cls(subject, Verdict.MISSING, said, advice)
