"""How many teams somebody may make, and what an installation of before teams becomes."""

import asyncio
import shutil
from pathlib import Path

import asyncpg
from stateroom.workspace.v1 import team_pb2
from stateroom.workspace.v1 import team_service_pb2 as pb

from chassis import ids
from chassis.migrate import migrate
from tests.support.people import newcomer
from tests.support.product import Product
from tests.support.refusals import refused
from tests.support.source import query
from tests.support.teams import create_team, member, teams

MIGRATIONS = Path("services/workspace/migrations")


async def test_create_team_by_somebody_who_made_as_many_as_one_may_is_refused(product: Product) -> None:
    """Of rivals as many succeed as there is room for; a deleted team makes room, one that is left makes none.

    Nobody is kept from making teams by those that others make them own.
    """
    await product.start("workspace", team_limit=2)
    async with newcomer(product) as person, newcomer(product) as other:
        for team in [await create_team(other, member(person, "OWNER")) for _ in range(2)]:
            leave = pb.LeaveTeamRequest(team_id=team.team_id)
            await teams(other).LeaveTeam(leave, metadata=other.acting_in(team.team_id).metadata)
            get = teams(other).GetTeam(pb.GetTeamRequest(team_id=team.team_id), metadata=other.metadata)
            assert (await refused(get)).reason == "TEAM_NOT_FOUND"
        assert (await refused(create_team(other))).reason == "TEAM_LIMIT_REACHED"
        results = await asyncio.gather(*(create_team(person) for _ in range(4)), return_exceptions=True)
        made = [result for result in results if isinstance(result, team_pb2.Team)]
        assert len(made) == 2
        refusal = await refused(create_team(person))
        assert (refusal.reason, refusal.values) == ("TEAM_LIMIT_REACHED", {"limit": "2"})
        delete = pb.DeleteTeamRequest(team_id=made[0].team_id)
        await teams(person).DeleteTeam(delete, metadata=person.acting_in(made[0].team_id).metadata)
        await create_team(person)


async def test_migration_claims_the_handles_of_the_users_there_are(product: Product, tmp_path: Path) -> None:
    """An installation of before gets them with the upgrade."""
    installation, user_id = product.installation, ids.new()
    connection = await asyncpg.connect(installation.admin_url)
    await connection.execute(
        "SET search_path TO workspace; DROP TABLE members, teams, handles; DROP FUNCTION claim_handle CASCADE;"
        " UPDATE alembic_version SET version_num = '0006'"
    )
    await connection.execute("INSERT INTO users VALUES ($1, $1, 'ada', '', 'Ada', 1, now(), now())", user_id)
    await connection.close()
    urls = (installation.url("workspace"), installation.url("workspace_system"))
    for migration in sorted(MIGRATIONS.glob("*.py"))[:7]:  # what came later is there already
        shutil.copy(migration, tmp_path)
    await migrate("workspace", installation.admin_url, *urls, folder=tmp_path)
    (row,) = await query(installation.url("workspace_system"), "SELECT handle, account_id, kind FROM handles")
    assert tuple(row) == ("ada", user_id, "USER")
