"""What can go wrong with deployments."""

from datetime import timedelta
from uuid import UUID

from chassis.errors import LimitExceeded, NotFound, Unauthenticated, Unavailable, WrongState

_LATER = timedelta(seconds=30)


class DeploymentNotFound(NotFound):
    """There is no deployment {deploymentId} in this account."""

    reason = "DEPLOYMENT_NOT_FOUND"

    def __init__(self, deployment_id: UUID) -> None:
        super().__init__(deploymentId=str(deployment_id))


class DeploymentStopped(WrongState):
    """Deployment {deploymentId} is STOPPED, and takes no invocations."""

    reason = "DEPLOYMENT_STOPPED"

    def __init__(self, deployment_id: UUID) -> None:
        super().__init__(deploymentId=str(deployment_id))


class DeploymentInMaintenance(Unavailable):
    """Deployment {deploymentId} takes no invocations while somebody works on it; try again."""

    reason = "DEPLOYMENT_IN_MAINTENANCE"

    def __init__(self, deployment_id: UUID) -> None:
        super().__init__(deploymentId=str(deployment_id), retry_after=_LATER)


class DeploymentBusy(LimitExceeded):
    """As many executions of deployment {deploymentId} run as may at once, which is {limit}."""

    reason = "DEPLOYMENT_BUSY"

    def __init__(self, deployment_id: UUID, limit: int) -> None:
        super().__init__(deploymentId=str(deployment_id), limit=str(limit))


class DeploymentKeyRefused(Unauthenticated):
    """The header X-Deployment-Key does not have the key of this deployment."""

    reason = "DEPLOYMENT_KEY_REFUSED"


class DeploymentLimitReached(LimitExceeded):
    """This account has {limit} deployments, which is the most; delete one that nobody uses."""

    reason = "DEPLOYMENT_LIMIT_REACHED"

    def __init__(self, limit: int) -> None:
        super().__init__(limit=str(limit))


class NotOfThisDeployment(WrongState):
    """Version {versionId} is none of the workflow or agent that this deployment runs."""

    reason = "NOT_OF_THIS_DEPLOYMENT"

    def __init__(self, version_id: UUID) -> None:
        super().__init__(versionId=str(version_id))


class NoPreviousRollout(WrongState):
    """No version was in force in deployment {deploymentId} before the present one."""

    reason = "NO_PREVIOUS_ROLLOUT"

    def __init__(self, deployment_id: UUID) -> None:
        super().__init__(deploymentId=str(deployment_id))
