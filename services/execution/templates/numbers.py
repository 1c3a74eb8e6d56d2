"""How often templates are used and what people think of them: counted over the rows of all accounts, never kept."""

from collections.abc import Sequence
from uuid import UUID

from chassis.system import SystemDatabase
from services.execution.templates.domain import Numbers

_NUMBERS = """
SELECT template_id, usage_count, round(rating_average, 2)::float AS rating_average, rating_count
FROM unnest($1::uuid[]) AS wanted (template_id),
LATERAL (
    SELECT count(*) AS usage_count FROM template_uses AS uses WHERE uses.template_id = wanted.template_id
) AS used,
LATERAL (
    SELECT avg(rating) AS rating_average, count(*) AS rating_count FROM (
        SELECT DISTINCT ON (user_id) rating FROM template_ratings AS said
        WHERE said.template_id = wanted.template_id ORDER BY user_id, rate_time DESC
    ) AS newest
) AS rated
"""
"""Of what somebody has said in several accounts, what they said last counts."""
_POPULAR = """
SELECT template_id FROM templates LEFT JOIN (
    SELECT template_id, count(*) AS usage_count FROM template_uses GROUP BY template_id
) AS used USING (template_id)
WHERE (account_id = $1 OR account_id = $2 OR is_public) AND delete_time IS NULL
ORDER BY coalesce(usage_count, 0) DESC, template_id DESC
"""


async def numbers_of(system: SystemDatabase, template_ids: Sequence[UUID]) -> dict[UUID, Numbers]:
    """Return the numbers of templates by their ids."""
    async with system.connection() as connection:
        rows = await connection.fetch(_NUMBERS, list(template_ids))
    return {row["template_id"]: Numbers(*list(row.values())[1:]) for row in rows}


async def popular(system: SystemDatabase, account_id: UUID, nobody: UUID) -> list[UUID]:
    """Return the ids of the templates that an account sees, those first of which most was made."""
    async with system.connection() as connection:
        return [row["template_id"] for row in await connection.fetch(_POPULAR, account_id, nobody)]
