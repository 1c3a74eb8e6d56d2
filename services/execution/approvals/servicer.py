"""ApprovalService: steps of executions that ask a person."""

from collections.abc import Callable
from dataclasses import dataclass

from stateroom.execution.v1 import approval_service_pb2 as pb

from chassis import ids
from chassis.database import Database
from chassis.pages import Pages
from chassis.rpc.call import Call
from services.execution.approvals import convert, queries
from services.execution.approvals.domain import State
from services.execution.approvals.operations import answer_step


@dataclass(frozen=True, slots=True)
class ApprovalServicer:
    """Serves stateroom.execution.v1.ApprovalService. `look` has what is due looked for at once."""

    database: Database
    pages: Pages
    look: Callable[[], None]

    async def ListApprovals(self, request: pb.ListApprovalsRequest, call: Call) -> pb.ListApprovalsResponse:
        """Return a page of what waits for an answer."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(
            call.actor,
            queries.list_pending,
            execution_id=convert.execution_id_from_proto(request.execution_id),
            limit=page.limit,
            after=convert.after_from_key(page.after),
        )
        shown, token = page.cut(rows, key=convert.key_of)
        return pb.ListApprovalsResponse(approvals=map(convert.approval_to_proto, shown), next_page_token=token)

    async def ApproveStep(self, request: pb.ApproveStepRequest, call: Call) -> pb.Approval:
        """Approve."""
        return await self._answer(State.APPROVED, request, call)

    async def RefuseStep(self, request: pb.RefuseStepRequest, call: Call) -> pb.Approval:
        """Refuse."""
        return await self._answer(State.REFUSED, request, call)

    async def _answer(
        self, state: State, request: pb.ApproveStepRequest | pb.RefuseStepRequest, call: Call
    ) -> pb.Approval:
        answered = await self.database.write(
            call.actor,
            answer_step,
            execution_id=ids.parse(request.execution_id),
            path=request.path,
            state=state,
            comment=request.comment,
        )
        self.look()
        return convert.approval_to_proto(answered)
