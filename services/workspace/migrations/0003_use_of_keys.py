"""A key is held and read in one round trip."""

from chassis import schema

revision = "0003"
down_revision = "0002"

# Two statements, because one would read what was there before it waited for the lock.
_FUNCTION = """
CREATE FUNCTION use_api_key(used uuid) RETURNS SETOF api_keys LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('api key ' || used, 0));
    RETURN QUERY SELECT * FROM api_keys WHERE api_key_id = used;
END
$$;
"""


def upgrade() -> None:
    """Add the function, which has no more rights than who calls it."""
    schema.execute(_FUNCTION)
