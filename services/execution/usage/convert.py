"""What answers of models took, as messages of the contract."""

from stateroom.execution.v1 import usage_service_pb2 as pb

from chassis import messages
from services.execution.usage.domain import ModelUse, Total


def use_to_proto(use: ModelUse) -> pb.ModelUse:
    """Return the public form of what an answer took."""
    message = pb.ModelUse(
        model_use_id=str(use.model_use_id),
        execution_id=str(use.execution_id),
        path=use.path,
        attempt=use.attempt,
        turn=use.turn,
        model=use.model,
        input_tokens=use.input_tokens,
        output_tokens=use.output_tokens,
        cost_micros=use.cost_micros,
    )
    messages.set_times(message, use, "use_time")
    return message


def total_to_proto(total: Total) -> pb.ModelUsage:
    """Return the public form of what answers took together."""
    return pb.ModelUsage(
        uses=total.uses,
        input_tokens=int(total.input_tokens),
        output_tokens=int(total.output_tokens),
        cost_micros=int(total.cost_micros),
    )
