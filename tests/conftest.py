"""Servers that any test may ask for by name."""

from tests.support.nats import nats
from tests.support.postgres import postgres

__all__ = ["nats", "postgres"]
