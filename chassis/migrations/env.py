"""Alembic's environment: one for all services, on a connection that chassis.migrate opened as the schema's owner."""

from alembic import context

config = context.config
context.configure(
    connection=config.attributes["connection"],
    version_table_schema=config.attributes["schema"],
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
config.attributes["connection"].commit()
