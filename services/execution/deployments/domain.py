"""A deployment: a version of a workflow or an agent that runs for whoever has its key."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from services.execution.deployments.errors import (
    DeploymentInMaintenance,
    DeploymentKeyRefused,
    DeploymentNotFound,
    DeploymentStopped,
)

LIMIT = 1000
"""How many an account has at most."""
LOOKED_AT = 20
"""Of the version in force, how many of the executions that ended last tell about its health."""


class Environment(Enum):
    """What a deployment is used for."""

    DEVELOPMENT = "DEVELOPMENT"
    STAGING = "STAGING"
    PRODUCTION = "PRODUCTION"


class State(Enum):
    """Whether a deployment takes invocations."""

    STOPPED = "STOPPED"
    RUNNING = "RUNNING"
    MAINTENANCE = "MAINTENANCE"


class Health(Enum):
    """What a look at a deployment found."""

    UNKNOWN = "UNKNOWN"
    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"
    UNHEALTHY = "UNHEALTHY"


@dataclass(frozen=True, slots=True)
class Target:
    """A version, of a workflow or of an agent, and the first one of its family."""

    workflow_id: UUID | None = None
    parent_workflow_id: UUID | None = None
    agent_id: UUID | None = None
    parent_agent_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look at a deployment found, and why it is no better."""

    health: Health
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment. `key_sha256` is all that is kept of its key; it is in no message."""

    deployment_id: UUID
    account_id: UUID
    name: str
    description: str
    environment: Environment
    parent_workflow_id: UUID | None
    workflow_id: UUID | None
    parent_agent_id: UUID | None
    agent_id: UUID | None
    max_concurrent_executions: int
    timeout: timedelta
    user_id: UUID
    deploy_time: datetime
    create_time: datetime
    update_time: datetime
    state: State = State.STOPPED
    key_sha256: bytes | None = None
    key_prefix: str = ""
    rollout_number: int = 1
    health: Health = Health.UNKNOWN
    health_reason: str = ""
    check_time: datetime | None = None
    version: int = 1
    delete_time: datetime | None = None
    deleted_by: UUID | None = None

    @property
    def entity_id(self) -> UUID:
        """The deployment's id."""
        return self.deployment_id

    @property
    def target(self) -> Target:
        """The version in force."""
        return Target(self.workflow_id, self.parent_workflow_id, self.agent_id, self.parent_agent_id)

    @property
    def family(self) -> tuple[UUID | None, UUID | None]:
        """Whose versions it runs."""
        return self.parent_workflow_id, self.parent_agent_id

    def update(self, now: datetime, values: Mapping[str, Any]) -> "Deployment":
        """Return the deployment with other values, itself when it has them all."""
        changed = {name: value for name, value in values.items() if value != getattr(self, name)}
        return self._changed(now, **changed) if changed else self

    def start(self, now: datetime, user_id: UUID) -> "Deployment":
        """Return the deployment taking invocations, for a person."""
        if (self.state, self.user_id) == (State.RUNNING, user_id):
            return self
        return self._changed(now, state=State.RUNNING, user_id=user_id)

    def stop(self, now: datetime) -> "Deployment":
        """Return the deployment taking no invocations; nobody looks at it any more."""
        if self.state is State.STOPPED:
            return self
        unknown = {"health": Health.UNKNOWN, "health_reason": "", "check_time": None}
        return self._changed(now, state=State.STOPPED, **unknown)

    def maintain(self, now: datetime) -> "Deployment":
        """Return the deployment taking no invocations for a while."""
        return self if self.state is State.MAINTENANCE else self._changed(now, state=State.MAINTENANCE)

    def renew_key(self, now: datetime, key_sha256: bytes, key_prefix: str) -> "Deployment":
        """Return the deployment with another key."""
        return self._changed(now, key_sha256=key_sha256, key_prefix=key_prefix)

    def roll(self, now: datetime, target: Target) -> "Deployment":
        """Return the deployment with a version in force that nobody has looked at there."""
        return self._changed(
            now,
            workflow_id=target.workflow_id,
            agent_id=target.agent_id,
            rollout_number=self.rollout_number + 1,
            deploy_time=now,
            health=Health.UNKNOWN,
            health_reason="",
            check_time=None,
        )

    def check(self, now: datetime, found: Finding) -> "Deployment":
        """Return the deployment as a look found it; the same again is no new version of it."""
        if (self.health, self.health_reason) == (found.health, found.reason):
            return replace(self, check_time=now)
        return self._changed(now, health=found.health, health_reason=found.reason, check_time=now)

    def delete(self, now: datetime, user_id: UUID) -> "Deployment":
        """Return the deployment deleted."""
        return replace(self.stop(now), version=self.version + 1, update_time=now, delete_time=now, deleted_by=user_id)

    def expect_kept(self) -> None:
        """Raise DeploymentNotFound when it is deleted."""
        if self.delete_time is not None:
            raise DeploymentNotFound(self.deployment_id)

    def expect_key(self, sha256: bytes | None) -> None:
        """Raise DeploymentKeyRefused unless this is the digest of its key, DeploymentNotFound when it is deleted."""
        self.expect_kept()
        if sha256 is None or self.key_sha256 is None or not hmac.compare_digest(sha256, self.key_sha256):
            raise DeploymentKeyRefused

    def expect_running(self) -> None:
        """Raise DeploymentNotFound, DeploymentStopped or DeploymentInMaintenance unless it takes invocations."""
        self.expect_kept()
        if self.state is State.STOPPED:
            raise DeploymentStopped(self.deployment_id)
        if self.state is State.MAINTENANCE:
            raise DeploymentInMaintenance(self.deployment_id)

    def _changed(self, now: datetime, **values: Any) -> "Deployment":
        return replace(self, version=self.version + 1, update_time=now, **values)


@dataclass(frozen=True, slots=True)
class Rollout:
    """A version that came into force. `previous_number` is what rolling back goes to from here, 0 for nothing."""

    deployment_id: UUID
    number: int
    account_id: UUID
    workflow_id: UUID | None
    agent_id: UUID | None
    rolled_back_to: int
    previous_number: int
    user_id: UUID
    deploy_time: datetime


@dataclass(frozen=True, slots=True)
class Numbers:
    """What executions of a deployment say."""

    request_count: int = 0
    error_count: int = 0
    completed_count: int = 0
    mean_duration: timedelta | None = None

    @property
    def error_rate(self) -> float:
        """The part of those that failed among those that completed or failed."""
        decided = self.completed_count + self.error_count
        return self.error_count / decided if decided else 0.0


def health_of(unable: str, outcomes: Sequence[bool]) -> Finding:
    """Return how healthy a deployment is: why its version cannot run, or else which of its executions ended well."""
    failed = outcomes.count(False)
    if unable:
        return Finding(Health.UNHEALTHY, unable)
    if not outcomes:
        return Finding(Health.UNKNOWN, "nothing of the version in force has ended")
    if not failed:
        return Finding(Health.HEALTHY)
    health = Health.UNHEALTHY if failed * 2 >= len(outcomes) else Health.DEGRADED
    return Finding(health, "executions of the version in force failed that ended last")
