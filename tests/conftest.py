"""Servers that any test may ask for by name."""

from tests.support.installation import installation, template
from tests.support.ledger import ledger
from tests.support.nats import nats
from tests.support.postgres import postgres
from tests.support.source import source

__all__ = ["installation", "ledger", "nats", "postgres", "source", "template"]
