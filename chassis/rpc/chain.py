"""What happens around every handler: correlation, tracing, outcome, errors, authentication, validation, in this order.

Each step is a context manager around the ones after it, so that all four kinds of handlers share one chain.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import grpc
import protovalidate
from google.protobuf.message import Message

from chassis import ids, logs, trace
from chassis.errors import DomainError, InternalError, InvalidField, ShuttingDown, Unavailable, Violation
from chassis.rpc import auth, form, status
from chassis.rpc.call import Call
from chassis.rpc.open_calls import OpenCalls
from chassis.rpc.rates import Rates

Context = grpc.aio.ServicerContext[Any, Any]
NoteRefusal = Callable[[Call, DomainError], None]
"""Told of every error that a caller gets."""
NoteCall = Callable[[Call, float], None]
"""Told of every call that ended, and after how many seconds."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What a server's steps work with."""

    authenticator: auth.Authenticator
    note_refusal: NoteRefusal
    calls: OpenCalls
    rates: Rates
    note_call: NoteCall


Step = Callable[[Call, Context, Guard], AbstractAsyncContextManager[None]]

_log = logs.get("rpc")
_validator = protovalidate.Validator()
_FAULTS = {"UNKNOWN", "INTERNAL", "UNAVAILABLE", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "DATA_LOSS"}
"""Codes that are the server's fault, as OpenTelemetry sees it."""
_FIRST_WITHIN = 1.0  # seconds for the first message of a stream that is refused
_REST_WITHIN = 5.0  # seconds for the rest of one that only sends
_CORRELATION_KEY = "x-request-id"
_CORRELATION_LENGTH = 64


@asynccontextmanager
async def correlation(call: Call, _context: Context, _guard: Guard) -> AsyncIterator[None]:
    """Name the request: by the caller's own id when it sent a sensible one."""
    sent = call.metadata.get(_CORRELATION_KEY, "")
    call.correlation_id = sent if 0 < len(sent) <= _CORRELATION_LENGTH and sent.isprintable() else str(ids.new())
    yield


@asynccontextmanager
async def tracing(call: Call, _context: Context, _guard: Guard) -> AsyncIterator[None]:
    """Continue the caller's trace, of which the call is a span."""
    if not trace.is_recorded():
        trace.continue_from(call.metadata.get(trace.HEADER))
        yield
        return
    name = call.method.full_name.removeprefix("/")
    with trace.serving(call.metadata.get(trace.HEADER), name) as span:
        try:
            yield
        finally:
            span.failed = call.code in _FAULTS
            span.attributes = {
                "rpc.system.name": "grpc",
                "rpc.method": name,
                "rpc.response.status_code": call.code,
                "stateroom.request_id": call.correlation_id,
            }


@asynccontextmanager
async def outcome(call: Call, context: Context, guard: Guard) -> AsyncIterator[None]:
    """Tell the log and the metrics how the call ended, however it ended."""
    begin = time.perf_counter()
    try:
        yield
    except asyncio.CancelledError:
        call.code = "CANCELLED"
        raise
    except BaseException:
        call.code = getattr(context.code(), "name", None) or "UNKNOWN"
        raise
    finally:
        seconds = time.perf_counter() - begin
        guard.note_call(call, seconds)
        _log.info(
            "call ended",
            method=call.method.full_name,
            code=call.code,
            milliseconds=round(seconds * 1000, 2),
            caller=call.principal.subject,
            correlation_id=call.correlation_id,
        )


@asynccontextmanager
async def errors(call: Call, context: Context, guard: Guard) -> AsyncIterator[None]:
    """Turn what is raised further in into a status; an unforeseen exception shows its caller nothing but an id.

    A server that stops takes no more calls here, and ends here those that take too long.
    """
    task = None
    try:
        task = guard.calls.begin()
        yield
    except DomainError as exc:
        guard.note_refusal(call, exc)
        await _abort(call, context, exc)
    except asyncio.CancelledError:
        if task is None or not guard.calls.was_cut_short(task):
            raise
        task.uncancel()
        await _abort(call, context, ShuttingDown())
    except (grpc.aio.AbortError, GeneratorExit):
        raise
    except Exception as exc:  # noqa: BLE001  # the one place where the unforeseen ends
        error = InternalError(str(ids.new()))
        _log.error("call failed", method=call.method.full_name, error_id=error.values["errorId"], exc_info=exc)
        await _abort(call, context, error)
    finally:
        if task is not None:
            guard.calls.end(task)


async def _abort(call: Call, context: Context, error: DomainError) -> None:
    context.set_trailing_metadata(((status.DETAILS_KEY, status.details_of(error, call.correlation_id)),))
    if call.method.descriptor.client_streaming:
        await _hear_out(call, context, error)
    await context.abort(status.code_of(error), error.message)


async def _hear_out(call: Call, context: Context, error: DomainError) -> None:
    """Take what a client is still sending: a refusal that overtakes it is lost, as it fails to write and knows no more.

    Of a stream both ways that is the first message; what only sends, such as an upload, is read to its end for a while.
    """
    only_sends = not call.method.descriptor.server_streaming and not isinstance(error, Unavailable)
    if call.was_heard and not only_sends:
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(_REST_WITHIN if only_sends else _FIRST_WITHIN):
            while await context.read() is not grpc.aio.EOF and only_sends:  # type: ignore[attr-defined]  # not in the stub
                pass


@asynccontextmanager
async def authentication(call: Call, _context: Context, guard: Guard) -> AsyncIterator[None]:
    """Find out who calls and hold them against the method's policy: their rights, then their rate."""
    call.principal = await guard.authenticator.authenticate(call)
    auth.authorize(call)
    guard.rates.admit(call)
    yield


CHAIN: tuple[Step, ...] = (correlation, tracing, outcome, errors, authentication)


@asynccontextmanager
async def around(call: Call, context: Context, guard: Guard) -> AsyncIterator[None]:
    """Run the whole chain around a handler. Every call pays for this: five `with` cost half of what a stack does."""
    first, second, third, fourth, fifth = (step(call, context, guard) for step in CHAIN)
    async with first, second, third, fourth, fifth:
        yield


def validate(request: Message) -> None:
    """Hold a request against the rules of its contract. InvalidField names each field that breaks one."""
    if malformed := tuple(form.malformed(request)):
        raise InvalidField(*malformed)
    violations = _validator.collect_violations(request)
    if violations:
        raise InvalidField(*(_violation(violation.proto) for violation in violations))


def _violation(violation: Any) -> Violation:  # protovalidate's own message, whose type is not public
    path = ".".join(_element(element) for element in (violation.field.elements if violation.field else ()))
    if path:
        return Violation(path, violation.message)
    field, _, description = violation.message.partition(": ")
    return Violation(field, description) if description else Violation("request", violation.message)


def _element(element: Any) -> str:  # as above
    subscript = getattr(element, "subscript", None)
    if subscript is None:
        return str(element.field_name)
    key = f'"{subscript.value}"' if subscript.field == "string_key" else subscript.value
    return f"{element.field_name}[{key}]"
