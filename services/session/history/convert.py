"""Wishes and pieces of files as messages."""

from datetime import UTC

from google.api import httpbody_pb2
from stateroom.api.v1 import content_pb2
from stateroom.session.v1 import history_service_pb2 as pb

from chassis import ids, messages
from services.session.history.domain import Format, LogMonth, Match, Query, Wish
from services.session.history.export import Piece


def wish_from_proto(request: pb.ExportSessionRequest) -> Wish:
    """Return what file somebody wants."""
    name = pb.ExportSessionRequest.Format.Name(request.format or pb.ExportSessionRequest.CAST)
    limit = request.idle_time_limit.ToTimedelta() if request.HasField("idle_time_limit") else None
    return Wish(ids.parse(request.session_id), Format[name], request.offset, limit)


def body_of(piece: Piece, wish: Wish) -> httpbody_pb2.HttpBody:
    """Return a piece of a file, with what clients call the file."""
    body = httpbody_pb2.HttpBody(content_type=piece.form.content_type, data=piece.data)
    body.extensions.add().Pack(content_pb2.ContentInfo(file_name=f"{wish.session_id}.{piece.form.extension}"))
    return body


def log_month_to_proto(month: LogMonth) -> pb.LogMonth:
    """Return the public form of logs that were let go."""
    message = pb.LogMonth(
        log_month_id=str(month.log_month_id),
        session_count=month.session_count,
        record_count=month.record_count,
        output_bytes=month.output_bytes,
    )
    messages.set_times(message, month, "start_time", "expire_time")
    return message


def query_from_proto(request: pb.SearchOutputRequest) -> Query:
    """Return what somebody looks for."""
    return Query(
        text=request.query,
        regex=request.regex,
        case_sensitive=request.case_sensitive,
        session_id=ids.parse(request.session_id) if request.session_id else None,
        workspace_id=ids.parse(request.workspace_id) if request.workspace_id else None,
        start_time=request.start_time.ToDatetime(UTC) if request.HasField("start_time") else None,
        end_time=request.end_time.ToDatetime(UTC) if request.HasField("end_time") else None,
    )


def match_to_proto(match: Match) -> pb.OutputMatch:
    """Return a line that was found, as its finder sees it."""
    message = pb.OutputMatch(
        session_id=str(match.session_id),
        workspace_id=str(match.workspace_id),
        offset=match.offset,
        line=match.line,
        begin=match.begin,
        end=match.end,
        line_before=match.line_before,
        line_after=match.line_after,
    )
    messages.set_times(message, match, "time")
    return message
