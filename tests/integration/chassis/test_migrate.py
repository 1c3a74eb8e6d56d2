"""Migrating: again is nothing, and at once is one after the other."""

import asyncio

from chassis.migrate import migrate
from tests.support.installation import Installation
from tests.support.source import query

_SCHEMA = """
SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'audit'
UNION ALL SELECT tablename, policyname, roles::text FROM pg_policies WHERE schemaname = 'audit'
UNION ALL SELECT table_name, grantee, privilege_type FROM information_schema.role_table_grants
WHERE table_schema = 'audit'
ORDER BY 1, 2, 3
"""


async def _migrate(installation: Installation) -> None:
    await migrate("audit", installation.admin_url, installation.url("audit"), installation.url("audit_system"))


async def test_migrate_again_changes_nothing(installation: Installation) -> None:
    """Two more migrations at once leave tables, policies and rights as they are."""
    before = await query(installation.admin_url, _SCHEMA)
    await asyncio.gather(_migrate(installation), _migrate(installation))
    assert await query(installation.admin_url, _SCHEMA) == before
    assert len(before) > 50


async def test_migrate_leaves_nothing_to_other_services(installation: Installation) -> None:
    """The roles of one service cannot even look into the schema of another."""
    rows = await query(
        installation.admin_url,
        "SELECT has_schema_privilege('audit', 'workspace', 'USAGE'),"
        " has_schema_privilege('workspace_system', 'audit', 'USAGE'),"
        " has_schema_privilege('audit', 'public', 'CREATE')",
    )
    assert tuple(rows[0]) == (False, False, False)
