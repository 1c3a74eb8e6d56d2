"""Conventions for tables: constraint names that errors can be told apart by."""

from sqlalchemy import MetaData

NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}


def metadata() -> MetaData:
    """Return the collection of one domain's tables, with our constraint names."""
    return MetaData(naming_convention=NAMES)
