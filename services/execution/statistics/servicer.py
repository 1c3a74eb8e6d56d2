"""StatisticsService: how executions went."""

from dataclasses import dataclass

from stateroom.execution.v1 import statistics_service_pb2 as pb

from chassis.database import Database
from chassis.rpc.call import Call
from services.execution.statistics import convert, queries


@dataclass(frozen=True, slots=True)
class StatisticsServicer:
    """Serves stateroom.execution.v1.StatisticsService."""

    database: Database

    async def GetExecutionStatistics(
        self, request: pb.GetExecutionStatisticsRequest, call: Call
    ) -> pb.ExecutionStatistics:
        """Count executions."""
        wanted = convert.filter_from_proto(request)
        counts = await self.database.read(call.actor, queries.count_executions, wanted=wanted)
        used = await self.database.read(call.actor, queries.sum_model_uses, wanted=wanted)
        return convert.statistics_to_proto(counts, used)
