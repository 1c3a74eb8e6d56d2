"""`python -m chassis.migrate <service> …`: make the roles and the schema of services and bring their tables up to date.

Needs ADMIN_DATABASE_URL, a role that may create roles, and for each service `<SERVICE>_DATABASE_URL` and
`<SERVICE>_SYSTEM_DATABASE_URL` (or DATABASE_URL and SYSTEM_DATABASE_URL when there is one service): names and
passwords of its two roles are taken from them. Running it again changes nothing, and so does running that of an older
release, after a newer one was rolled back.

`--wait <service>` needs SYSTEM_DATABASE_URL only, and ends once somebody else has done that.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from chassis import schema_version
from chassis.settings import by_name, refuse

_LOCK = 7_310_001
"""Advisory lock that makes a second migration of a database wait."""


def main() -> None:
    """Migrate the services named on the command line, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("services", nargs="+", metavar="service")
    parser.add_argument("--wait", action="store_true")
    arguments = parser.parse_args()
    services = arguments.services
    settings = by_name()
    if arguments.wait:
        for service in services:
            url = _role_url(settings, service, "SYSTEM_DATABASE_URL", alone=len(services) == 1)
            asyncio.run(schema_version.wait(service, url))
        return
    admin_url = settings.get("ADMIN_DATABASE_URL") or refuse("ADMIN_DATABASE_URL: not set")
    for service in services:
        alone = len(services) == 1
        url = _role_url(settings, service, "DATABASE_URL", alone=alone)
        system_url = _role_url(settings, service, "SYSTEM_DATABASE_URL", alone=alone)
        asyncio.run(migrate(service, admin_url, url, system_url))


async def migrate(service: str, admin_url: str, url: str, system_url: str, *, folder: Path | None = None) -> None:
    """Make or update one service's roles, schema and tables.

    Args:
        service: also the name of its schema, its folder and the stem of its roles.
        admin_url: a role that may create roles and schemas.
        url: of the service's own role.
        system_url: of its system role.
        folder: of the migrations, when it is not the service's own.
    """
    admin = await asyncpg.connect(admin_url)
    try:
        await admin.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await _make_roles(admin, service, _password(url), _password(system_url))
    finally:
        await admin.close()
    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(admin_url))
    try:
        async with engine.connect() as connection:
            await connection.execute(text(f"SELECT pg_advisory_lock({_LOCK})"))
            await connection.execute(text(f"SET ROLE {service}_owner"))
            await connection.execute(text(f"SET search_path TO {service}"))
            await connection.commit()
            await connection.run_sync(_upgrade, service, schema_version.configuration(service, folder))
            await connection.execute(text(f"GRANT SELECT ON alembic_version TO {service}_system"))
            await connection.commit()
    finally:
        await engine.dispose()


async def _make_roles(
    admin: "asyncpg.Connection[asyncpg.Record]", service: str, password: str, system_password: str
) -> None:
    roles = {f"{service}_owner": "NOLOGIN", service: _login(password), f"{service}_system": _login(system_password)}
    for role, options in roles.items():
        exists = await admin.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role)
        await admin.execute(
            f"{'ALTER' if exists else 'CREATE'} ROLE {role} {options} NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"
        )
    await admin.execute(f"GRANT {service}_owner TO CURRENT_USER")
    await admin.execute(f"CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION {service}_owner")
    await admin.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    await admin.execute(f"GRANT USAGE ON SCHEMA {service} TO {service}, {service}_system")
    for role in (service, f"{service}_system"):
        await admin.execute(f"ALTER ROLE {role} SET search_path TO {service}")
        await admin.execute(f"GRANT EXECUTE ON FUNCTION pg_control_checkpoint() TO {role}")
    await admin.execute(f"GRANT EXECUTE ON FUNCTION pg_control_checkpoint() TO {service}_owner")


def _upgrade(connection: Connection, service: str, config: Config) -> None:
    context = MigrationContext.configure(connection, opts={"version_table_schema": service})
    version = context.get_current_revision()
    connection.commit()
    if schema_version.is_newer(config, version):
        sys.stderr.write(f"the schema of {service} is at {version}, which a later release made; it stays\n")
        return
    config.attributes.update(connection=connection, schema=service)
    command.upgrade(config, "head")


def _role_url(settings: dict[str, str], service: str, kind: str, *, alone: bool) -> str:
    names = [f"{service.upper()}_{kind}", *([kind] if alone else [])]
    return next((settings[name] for name in names if settings.get(name)), None) or refuse(f"{names[0]}: not set")


def _password(url: str) -> str:
    parts = urlsplit(url)
    password = parts.password or parse_qs(parts.query).get("password", [""])[0]
    return unquote(password) or refuse("a role's database URL has no password")


def _login(password: str) -> str:
    quoted = password.replace("'", "''")
    return f"LOGIN PASSWORD '{quoted}'"


if __name__ == "__main__":
    main()
    sys.exit(0)
