"""Settings of the execution service."""

from chassis.settings import ServiceSettings


class ExecutionSettings(ServiceSettings):
    """What every service needs, and nothing else."""
