"""Migrating: again is nothing, at once is one after the other, and older code leaves a newer schema alone."""

import asyncio

import pytest

from chassis import schema_version
from chassis.migrate import migrate
from tests.support.installation import Installation
from tests.support.source import query
from tests.support.waiting import PATIENCE, until

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


async def test_migrate_when_a_later_release_has_migrated_leaves_the_schema(installation: Installation) -> None:
    """After a rollback the older release starts on the schema as it is."""
    head = (await query(installation.admin_url, "SELECT version_num FROM audit.alembic_version"))[0][0]
    await query(installation.admin_url, "UPDATE audit.alembic_version SET version_num = '9999'")
    await _migrate(installation)
    await asyncio.wait_for(schema_version.wait("audit", installation.url("audit_system")), PATIENCE)
    left = await query(installation.admin_url, "SELECT version_num FROM audit.alembic_version")
    await query(installation.admin_url, "UPDATE audit.alembic_version SET version_num = $1", head)
    assert left[0][0] == "9999"


async def test_wait_for_a_schema_that_is_older_ends_when_it_is_migrated(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """New code does not serve on a schema that lacks what it needs."""
    head = (await query(installation.admin_url, "SELECT version_num FROM session.alembic_version"))[0][0]
    await query(installation.admin_url, "UPDATE session.alembic_version SET version_num = '0001'")

    async def says_why() -> bool:
        return f"is at 0001, and {head} is needed" in capsys.readouterr().err

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(schema_version.wait("session", installation.url("session_system")))
        await until(says_why)
        assert not waiting.done()
        await query(installation.admin_url, "UPDATE session.alembic_version SET version_num = $1", head)
        await asyncio.wait_for(waiting, PATIENCE)
