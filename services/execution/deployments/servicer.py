"""DeploymentService, RolloutService and InvocationService: versions of workflows and agents as endpoints."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from stateroom.execution.v1 import deployment_pb2, rollout_service_pb2
from stateroom.execution.v1 import deployment_service_pb2 as pb
from stateroom.execution.v1 import invocation_service_pb2 as invocation_pb

from chassis import ids, masks
from chassis.database import Database, Transaction
from chassis.pages import Pages
from chassis.rpc import credential
from chassis.rpc.call import Call
from services.execution.deployments import convert, operations, queries
from services.execution.deployments.domain import Deployment
from services.execution.deployments.invoking import Invoking
from services.execution.executions.convert import input_from_proto


class Transition(Protocol):
    """An operation that takes a deployment from one state to another."""

    async def __call__(self, tx: Transaction, *, deployment_id: UUID, etag: str) -> Deployment:
        """Return the deployment as it is afterwards."""


TransitionRequest = (
    pb.StartDeploymentRequest
    | pb.StopDeploymentRequest
    | pb.MaintainDeploymentRequest
    | pb.DeleteDeploymentRequest
    | rollout_service_pb2.RollBackDeploymentRequest
)


@dataclass(frozen=True, slots=True)
class Shown:
    """Deployments as callers see them: with what their executions say."""

    database: Database

    async def all(self, deployments: Sequence[Deployment], call: Call) -> list[deployment_pb2.Deployment]:
        """Return deployments with numbers."""
        deployment_ids = [each.deployment_id for each in deployments]
        numbers = await self.database.read(call.actor, queries.numbers_of, deployment_ids=deployment_ids)
        return convert.deployments_to_proto(deployments, numbers)

    async def one(self, deployment: Deployment, call: Call) -> deployment_pb2.Deployment:
        """Return a deployment with numbers."""
        (shown,) = await self.all([deployment], call)
        return shown

    async def change(self, operation: Transition, request: TransitionRequest, call: Call) -> deployment_pb2.Deployment:
        """Take a deployment from one state to another."""
        deployment_id = ids.parse(request.deployment_id)
        changed = await self.database.write(call.actor, operation, deployment_id=deployment_id, etag=request.etag)
        return await self.one(changed, call)


@dataclass(frozen=True, slots=True)
class DeploymentServicer:
    """Serves stateroom.execution.v1.DeploymentService."""

    database: Database
    pages: Pages
    shown: Shown

    async def CreateDeployment(self, request: pb.CreateDeploymentRequest, call: Call) -> deployment_pb2.Deployment:
        """Make a deployment."""
        user_id = ids.parse(call.principal.subject)
        wanted = convert.deployment_from_proto(request.deployment, call.account_id, user_id, datetime.now(UTC))
        made = await self.database.write(call.actor, operations.create_deployment, deployment=wanted)
        return await self.shown.one(made, call)

    async def GetDeployment(self, request: pb.GetDeploymentRequest, call: Call) -> deployment_pb2.Deployment:
        """Return a deployment."""
        deployment_id = ids.parse(request.deployment_id)
        found = await self.database.read(call.actor, queries.get_deployment, deployment_id=deployment_id)
        return await self.shown.one(found, call)

    async def ListDeployments(self, request: pb.ListDeploymentsRequest, call: Call) -> pb.ListDeploymentsResponse:
        """Return a page of deployments."""
        page = self.pages.open(request, call.account_id)
        wanted = convert.filter_from_proto(request)
        rows = await self.database.read(
            call.actor, queries.list_deployments, wanted=wanted, limit=page.limit, after=page.after_id
        )
        shown, token = page.cut(rows, key=lambda deployment: deployment.deployment_id)
        return pb.ListDeploymentsResponse(deployments=await self.shown.all(shown, call), next_page_token=token)

    async def UpdateDeployment(self, request: pb.UpdateDeploymentRequest, call: Call) -> deployment_pb2.Deployment:
        """Change a deployment."""
        names = masks.fields_to_set(request.deployment, request.update_mask)
        updated = await self.database.write(
            call.actor,
            operations.update_deployment,
            deployment_id=ids.parse(request.deployment_id),
            values=convert.values_from_proto(request.deployment, names),
            etag=request.etag,
        )
        return await self.shown.one(updated, call)

    async def StartDeployment(self, request: pb.StartDeploymentRequest, call: Call) -> deployment_pb2.Deployment:
        """Let a deployment take invocations."""
        return await self.shown.change(operations.start_deployment, request, call)

    async def StopDeployment(self, request: pb.StopDeploymentRequest, call: Call) -> deployment_pb2.Deployment:
        """Let a deployment take none."""
        return await self.shown.change(operations.stop_deployment, request, call)

    async def MaintainDeployment(self, request: pb.MaintainDeploymentRequest, call: Call) -> deployment_pb2.Deployment:
        """Let a deployment take none for a while."""
        return await self.shown.change(operations.maintain_deployment, request, call)

    async def DeleteDeployment(self, request: pb.DeleteDeploymentRequest, call: Call) -> deployment_pb2.Deployment:
        """Delete a deployment."""
        return await self.shown.change(operations.delete_deployment, request, call)


@dataclass(frozen=True, slots=True)
class RolloutServicer:
    """Serves stateroom.execution.v1.RolloutService."""

    database: Database
    pages: Pages
    shown: Shown

    async def DeployVersion(
        self, request: rollout_service_pb2.DeployVersionRequest, call: Call
    ) -> deployment_pb2.Deployment:
        """Put a version in force."""
        deployed = await self.database.write(
            call.actor,
            operations.deploy_version,
            deployment_id=ids.parse(request.deployment_id),
            version_id=ids.parse(request.version_id),
            etag=request.etag,
        )
        return await self.shown.one(deployed, call)

    async def RollBackDeployment(
        self, request: rollout_service_pb2.RollBackDeploymentRequest, call: Call
    ) -> deployment_pb2.Deployment:
        """Put the version before in force."""
        return await self.shown.change(operations.roll_back, request, call)

    async def ListRollouts(
        self, request: rollout_service_pb2.ListRolloutsRequest, call: Call
    ) -> rollout_service_pb2.ListRolloutsResponse:
        """Return a page of rollouts."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(
            call.actor,
            queries.list_rollouts,
            deployment_id=ids.parse(request.deployment_id),
            limit=page.limit,
            before=page.after_number,
        )
        shown, token = page.cut(rows, key=lambda rollout: rollout.number)
        return rollout_service_pb2.ListRolloutsResponse(
            rollouts=map(convert.rollout_to_proto, shown), next_page_token=token
        )


@dataclass(frozen=True, slots=True)
class InvocationServicer:
    """Serves stateroom.execution.v1.InvocationService."""

    database: Database
    shown: Shown
    invoking: Invoking

    async def RenewDeploymentKey(
        self, request: invocation_pb.RenewDeploymentKeyRequest, call: Call
    ) -> invocation_pb.RenewDeploymentKeyResponse:
        """Give a deployment a new key, which is answered once."""
        minted = credential.mint(credential.DEPLOYMENT_KEY, ids.parse(request.deployment_id))
        renewed = await self.database.write(
            call.actor,
            operations.renew_key,
            deployment_id=minted.credential_id,
            key_sha256=minted.secret_sha256,
            key_prefix=minted.prefix,
            etag=request.etag,
        )
        shown = minted.text if renewed.key_sha256 == minted.secret_sha256 else ""
        return invocation_pb.RenewDeploymentKeyResponse(deployment=await self.shown.one(renewed, call), key=shown)

    async def InvokeDeployment(
        self, request: invocation_pb.InvokeDeploymentRequest, call: Call
    ) -> invocation_pb.Invocation:
        """Start an execution."""
        given = input_from_proto(request.input, "input")
        deployment_id, wait = ids.parse(request.deployment_id), request.wait.ToTimedelta()
        return convert.invocation_to_proto(await self.invoking.invoke(call, deployment_id, given, wait))

    async def GetInvocation(self, request: invocation_pb.GetInvocationRequest, call: Call) -> invocation_pb.Invocation:
        """Return an execution."""
        deployment_id, execution_id = ids.parse(request.deployment_id), ids.parse(request.execution_id)
        return convert.invocation_to_proto(await self.invoking.find(call, deployment_id, execution_id))
