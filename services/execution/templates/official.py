"""The templates that come with a release: files beside this module, stored when the service starts."""

import json
from importlib.resources import files
from typing import Any

import yaml

from chassis.system import SystemDatabase
from services.execution.templates.domain import NOBODY

_PUT = """
INSERT INTO templates (
    template_id, account_id, user_id, name, description, tags, type, category, data, parameters, is_public,
    version, create_time, update_time
) VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8, $9, true, 1, now(), now())
ON CONFLICT (template_id) DO UPDATE SET
    name = excluded.name, description = excluded.description, tags = excluded.tags, category = excluded.category,
    data = excluded.data, parameters = excluded.parameters, version = templates.version + 1, update_time = now()
WHERE (templates.name, templates.description, templates.tags, templates.category, templates.data, templates.parameters)
    IS DISTINCT FROM (excluded.name, excluded.description, excluded.tags, excluded.category, excluded.data,
        excluded.parameters)
"""


def official() -> list[dict[str, Any]]:
    """Return what the files say."""
    folder = files("services.execution.templates") / "official"
    found = (each for each in folder.iterdir() if each.name.endswith(".yaml"))
    return [yaml.safe_load(each.read_text()) for each in sorted(found, key=lambda each: each.name)]


async def store_official(system: SystemDatabase) -> None:
    """Store what came with this release, in place of what came with another."""
    async with system.transaction() as connection:
        for each in official():
            described = [each[name] for name in ("name", "description", "tags", "type", "category")]
            documents = [json.dumps(each[name]) for name in ("data", "parameters")]
            await connection.execute(_PUT, each["template_id"], NOBODY, *described, *documents)
