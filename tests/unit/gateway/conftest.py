"""The contracts, read once."""

import pytest

from gateway.transcode.codec import Codec
from gateway.transcode.request import RequestBinder
from gateway.transcode.routes import Routes
from gateway.transcode.schema import Schema, load_schema


@pytest.fixture(scope="session")
def schema() -> Schema:
    """Return the installed contracts."""
    return load_schema()


@pytest.fixture(scope="session")
def routes(schema: Schema) -> Routes:
    """Return the routes of the contracts."""
    return Routes(schema)


@pytest.fixture(scope="session")
def binder(schema: Schema) -> RequestBinder:
    """Return a binder for the contracts."""
    return RequestBinder(Codec(schema.registry))
