"""What is counted, and the counts, as messages."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from stateroom.execution.v1 import statistics_service_pb2 as pb
from stateroom.execution.v1.execution_pb2 import Execution

from chassis import ids
from services.execution.executions.domain import State
from services.execution.statistics.queries import Count, Filter
from services.execution.usage.convert import total_to_proto
from services.execution.usage.domain import Total

WINDOW = timedelta(days=30)
"""What counts when nobody says since when."""


def filter_from_proto(request: pb.GetExecutionStatisticsRequest) -> Filter:
    """Return which executions somebody wants counted."""
    return Filter(
        window=request.window.ToTimedelta() if request.HasField("window") else WINDOW,
        workflow_id=_id(request.workflow_id),
        parent_workflow_id=_id(request.parent_workflow_id),
        user_id=_id(request.user_id),
        agent_id=_id(request.agent_id),
    )


def statistics_to_proto(counts: Sequence[Count], used: Total) -> pb.ExecutionStatistics:
    """Return what counts by state say together, and what was used."""
    by_state = {count.state: count.total for count in counts}
    message = pb.ExecutionStatistics(
        total=sum(by_state.values()),
        by_state=[
            pb.ExecutionStatistics.StateCount(state=Execution.State.Value(state.name), count=count)
            for state, count in by_state.items()
        ],
        model_usage=total_to_proto(used),
    )
    completed = by_state.get(State.COMPLETED, 0)
    duration = sum((count.duration for count in counts if count.state is State.COMPLETED), timedelta())
    message.mean_duration.FromTimedelta(duration / completed if completed else timedelta())
    ended = sum(total for state, total in by_state.items() if state is not State.RUNNING)
    if ended:
        message.success_rate = completed / ended
    return message


def _id(text: str) -> UUID | None:
    return ids.parse(text) if text else None
