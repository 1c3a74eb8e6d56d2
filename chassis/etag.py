"""Entity tags: the version of a resource in quotes, as HTTP writes it (RFC 9110, AIP-154)."""

from chassis.changes import Entity
from chassis.errors import EtagMismatch, EtagRequired

ANY = "*"


def of(entity: Entity) -> str:
    """Return the tag of an entity as it is."""
    return f'"{entity.version}"'


def expect(entity: Entity, etag: str) -> None:
    """Raise EtagMismatch unless the tag is empty, `*` or that of the entity as it is."""
    if etag not in {"", ANY, of(entity)}:
        raise EtagMismatch(etag, of(entity))


def demand(entity: Entity, etag: str) -> None:
    """Raise EtagRequired when the tag is empty, EtagMismatch unless it is `*` or that of the entity as it is."""
    if not etag:
        raise EtagRequired
    expect(entity, etag)
