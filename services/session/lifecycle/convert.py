"""Counts as messages."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from stateroom.session.v1 import lifecycle_service_pb2 as pb
from stateroom.session.v1.session_pb2 import Session

from services.session.lifecycle.queries import Count

_Statistics = pb.SessionStatistics


def statistics_to_proto(counts: Sequence[Count]) -> pb.SessionStatistics:
    """Return what counts by kind and state say together."""
    kinds, states = Counter[str](), Counter[str]()
    for count in counts:
        kinds[count.kind.name] += count.total
        states[count.state.name] += count.total
    message = _Statistics(
        active=sum(count.total for count in counts if not count.state.final),
        total=sum(count.total for count in counts),
        ended_last_day=sum(count.ended_last_day for count in counts),
        by_kind=[_Statistics.KindCount(kind=Session.Kind.Value(name), count=count) for name, count in kinds.items()],
        by_state=[
            _Statistics.StateCount(state=Session.State.Value(name), count=count) for name, count in states.items()
        ],
    )
    ended = sum(count.new_ended for count in counts)
    lifetime = sum((count.lifetime for count in counts), timedelta())
    message.mean_lifetime.FromTimedelta(lifetime / ended if ended else timedelta())
    return message
