"""I16: a delivery that is signed starts one execution, however often it comes; any other starts none, and is told."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import grpc
import pytest
from stateroom.execution.v1 import execution_service_pb2, trigger_pb2
from stateroom.execution.v1 import trigger_service_pb2 as trigger_pb
from stateroom.execution.v1 import webhook_service_pb2 as pb

from chassis import ids
from services.execution.webhooks.domain import BODY
from services.execution.webhooks.forgetting import KEPT
from tests.support.execution_stage import ExecutionStage, Steps
from tests.support.refusals import refused
from tests.support.waiting import PATIENCE, until
from tests.support.webhooks import signed, signed_by_github

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.invariant("I16")]

ECHO: Steps = [{"key": "echo", "data": {}, "inputs": {"branch": "inputs.branch", "kind": "inputs.kind"}}]
INPUTS = {"branch": "event.body.ref", "kind": "event.key"}
BODY_OF_A_PUSH = json.dumps({"ref": "main", "size": 3}).encode()
Decision = trigger_pb2.Occurrence.Decision


class Hook:
    """A webhook, and whoever delivers to it."""

    def __init__(self, stage: ExecutionStage, trigger_id: str, secret: str) -> None:
        self.stage = stage
        self.trigger_id = trigger_id
        self.secret = secret

    async def send(self, body: bytes, headers: dict[str, str]) -> pb.ReceiveDeliveryResponse:
        """Deliver something with headers."""
        request = pb.ReceiveDeliveryRequest(trigger_id=self.trigger_id)
        request.content.content_type, request.content.data = "application/json", body
        receive = self.stage.first.webhooks.ReceiveDelivery
        sent: pb.ReceiveDeliveryResponse = await receive(request, metadata=tuple(headers.items()), timeout=PATIENCE)
        return sent

    async def deliver(self, key: str, body: bytes = BODY_OF_A_PUSH) -> pb.ReceiveDeliveryResponse:
        """Deliver something that is signed."""
        return await self.send(body, signed(self.secret, body, key))

    async def told(self) -> list[tuple[int, str]]:
        """Return what was decided, oldest first, with the reasons."""
        return [(each.decision, each.reason) for each in (await self.stage.occurrences(self.trigger_id))[::-1]]

    async def executions(self) -> int:
        """Return how many executions there are."""
        listed = await self.stage.call("ListExecutions", execution_service_pb2.ListExecutionsRequest(page_size=200))
        return len(listed.executions)


async def _hook(stage: ExecutionStage, *, scheme: str = "STANDARD", family: str = "", **values: Any) -> Hook:
    """Return a webhook that is enabled."""
    family = family or await stage.workflow(ECHO)
    made = await stage.trigger(family, **{"webhook": {"scheme": scheme}, "inputs": INPUTS} | values)
    renewed = await stage.call("RenewWebhookSecret", pb.RenewWebhookSecretRequest(trigger_id=made.trigger_id))
    await stage.call("EnableTrigger", trigger_pb.EnableTriggerRequest(trigger_id=made.trigger_id))
    return Hook(stage, made.trigger_id, renewed.secret)


async def test_delivery_starts_an_execution_with_what_is_in_it(stage: ExecutionStage) -> None:
    """The body is JSON that expressions see; the delivery is kept as it came."""
    hook = await _hook(stage)
    received = await hook.deliver("one")
    assert (received.decision, received.reason) == (Decision.STARTED, "")
    request = execution_service_pb2.GetExecutionRequest(execution_id=received.execution_id)
    ended = await stage.ended(await stage.call("GetExecution", request))
    assert dict(ended.output.struct_value) == {"branch": "main", "kind": "one"}
    assert (ended.trigger_id, ended.user_id) == (hook.trigger_id, str(stage.user_id))
    kept = await stage.call("GetDelivery", pb.GetDeliveryRequest(delivery_id=received.delivery_id))
    assert (kept.body, kept.key, kept.size_bytes) == (BODY_OF_A_PUSH, "one", len(BODY_OF_A_PUSH))
    assert set(kept.headers) == {"webhook-id", "webhook-timestamp"}
    (listed,) = (await stage.call("ListDeliveries", pb.ListDeliveriesRequest(trigger_id=hook.trigger_id))).deliveries
    assert (listed.delivery_id, listed.body, listed.size_bytes) == (kept.delivery_id, b"", kept.size_bytes)


async def test_delivery_that_comes_five_times_at_once_starts_one_execution(stage: ExecutionStage) -> None:
    """Each time the answer is that of the first; what is signed anew under the same id is the same delivery."""
    hook = await _hook(stage)
    answers = await asyncio.gather(*(hook.deliver("same") for _ in range(5)))
    answers.append(await hook.deliver("same", b'{"ref": "other"}'))
    assert len({(each.delivery_id, each.execution_id, each.decision) for each in answers}) == 1
    assert (await hook.told(), await hook.executions()) == ([(Decision.STARTED, "")], 1)


async def test_delivery_of_github_is_known_by_its_signature(stage: ExecutionStage) -> None:
    """Its own headers, of which the event is kept; changed by one byte it is refused."""
    hook = await _hook(stage, scheme="GITHUB")
    headers = signed_by_github(hook.secret, BODY_OF_A_PUSH, str(ids.new()))
    received = await hook.send(BODY_OF_A_PUSH, headers)
    assert received.decision == Decision.STARTED
    kept = await stage.call("GetDelivery", pb.GetDeliveryRequest(delivery_id=received.delivery_id))
    assert dict(kept.headers) == {name: headers[name] for name in ("x-github-delivery", "x-github-event")}
    assert (await refused(hook.send(BODY_OF_A_PUSH + b" ", headers))).reason == "SIGNATURE_REFUSED"
    assert (await refused(hook.deliver("standard"))).reason == "SIGNATURE_REFUSED"


async def test_delivery_without_the_right_signature_is_refused_and_told_once(stage: ExecutionStage) -> None:
    """In the same words whatever is wrong with it; however many come within a minute, one is told."""
    hook = await _hook(stage)
    right = signed(hook.secret, BODY_OF_A_PUSH, "key")
    wrong = [
        {},
        {name: value for name, value in right.items() if name != "webhook-signature"},
        right | {"webhook-signature": "v1,AAAA"},
        right | {"webhook-signature": right["webhook-signature"].replace("v1,", "v2,")},
        right | {"webhook-id": "another"},
        right | {"webhook-timestamp": str(int(right["webhook-timestamp"]) + 1)},
        signed("whsec_AAAA", BODY_OF_A_PUSH, "key"),
        signed(hook.secret, BODY_OF_A_PUSH, ""),
        signed(hook.secret, BODY_OF_A_PUSH, "x" * 256),
    ]
    refusals = [await refused(hook.send(BODY_OF_A_PUSH, headers)) for headers in wrong]
    assert {(each.code, each.reason) for each in refusals} == {(grpc.StatusCode.UNAUTHENTICATED, "SIGNATURE_REFUSED")}
    assert len({each.message for each in refusals}) == 1
    assert 1 <= len(await hook.told()) <= 2  # a minute may have ended
    assert set(await hook.told()) == {(Decision.REFUSED, "SIGNATURE_REFUSED")}
    assert await hook.executions() == 0
    several = right | {"webhook-signature": f"v1,AAAA {right['webhook-signature']}"}
    assert (await hook.send(BODY_OF_A_PUSH, several)).decision == Decision.STARTED


@pytest.mark.parametrize("age", [330, -330])
async def test_delivery_that_was_signed_long_ago_or_ahead_is_refused(stage: ExecutionStage, age: int) -> None:
    """Five minutes are tolerated; who has the secret is told why."""
    hook = await _hook(stage)
    stale = hook.send(BODY_OF_A_PUSH, signed(hook.secret, BODY_OF_A_PUSH, "key", age=age))
    assert (await refused(stale)).reason == "DELIVERY_STALE"
    assert await hook.told() == [(Decision.REFUSED, "DELIVERY_STALE")]
    assert await hook.executions() == 0


async def test_delivery_that_is_too_large_or_for_a_disabled_trigger_is_refused(stage: ExecutionStage) -> None:
    """Nothing is kept of it; enabled again, the same delivery is accepted."""
    hook = await _hook(stage)
    large = b'"' + b"a" * (BODY - 1) + b'"'
    assert (await refused(hook.deliver("large", large))).reason == "DELIVERY_TOO_LARGE"
    await stage.call("DisableTrigger", trigger_pb.DisableTriggerRequest(trigger_id=hook.trigger_id))
    assert (await refused(hook.deliver("early"))).reason == "TRIGGER_DISABLED"
    reasons = [reason for _, reason in await hook.told()]
    assert reasons == ["DELIVERY_TOO_LARGE", "TRIGGER_DISABLED"]
    await stage.call("EnableTrigger", trigger_pb.EnableTriggerRequest(trigger_id=hook.trigger_id))
    assert (await hook.deliver("early")).decision == Decision.STARTED
    listed = await stage.call("ListDeliveries", pb.ListDeliveriesRequest(trigger_id=hook.trigger_id))
    assert [each.key for each in listed.deliveries] == ["early"]


async def test_delivery_for_what_waits_for_none_is_not_found(stage: ExecutionStage) -> None:
    """An unknown trigger, a schedule, and a deleted webhook look the same."""
    hook = await _hook(stage)
    scheduled = await stage.trigger(await stage.workflow(ECHO), schedule={"cron": "0 0 29 2 *"})
    await stage.call("DeleteTrigger", trigger_pb.DeleteTriggerRequest(trigger_id=hook.trigger_id))
    for trigger_id in (str(ids.new()), scheduled.trigger_id, hook.trigger_id):
        refusal = await refused(Hook(stage, trigger_id, hook.secret).deliver("key"))
        assert (refusal.reason, refusal.code) == ("TRIGGER_NOT_FOUND", grpc.StatusCode.NOT_FOUND)


async def test_delivery_whose_execution_cannot_start_is_kept_and_starts_when_redelivered(stage: ExecutionStage) -> None:
    """The decision says why; a redelivery is another one, by the trigger as it is then, once for each request id."""
    hook = await _hook(stage, inputs={"branch": "event.body.nothing", "kind": "event.key"})
    received = await hook.deliver("one")
    assert (received.decision, received.reason, received.execution_id) == (Decision.FAILED, "EXPRESSION_FAILED", "")
    change = trigger_pb2.Trigger(inputs=INPUTS)
    update = trigger_pb.UpdateTriggerRequest(trigger_id=hook.trigger_id, trigger=change, etag="*")
    await stage.call("UpdateTrigger", update)
    request = pb.RedeliverDeliveryRequest(delivery_id=received.delivery_id, request_id=str(ids.new()))
    for _ in range(2):
        assert (await stage.call("RedeliverDelivery", request)).redelivery_count == 1
    assert await hook.told() == [(Decision.FAILED, "EXPRESSION_FAILED"), (Decision.STARTED, "")]
    await stage.call("DisableTrigger", trigger_pb.DisableTriggerRequest(trigger_id=hook.trigger_id))
    again = stage.call("RedeliverDelivery", pb.RedeliverDeliveryRequest(delivery_id=received.delivery_id))
    assert (await refused(again)).reason == "TRIGGER_DISABLED"
    assert await hook.executions() == 1


@pytest.mark.parametrize(
    "body", [b"", b"\xff\x00", b"{", b"[" * 5000, b'{"a": 123456789012345678901234567890}', b'"\\u0000"']
)
async def test_delivery_of_any_bytes_is_decided_about(stage: ExecutionStage, body: bytes) -> None:
    """What is no JSON is a text; what has no form here fails in its expression, and in nothing else."""
    hook = await _hook(stage, inputs={"branch": "event.body", "kind": "event.key"})
    received = await hook.deliver("any", body)
    assert received.decision in {Decision.STARTED, Decision.FAILED}
    assert received.reason in {"", "EXPRESSION_FAILED"}
    assert (await hook.deliver("next")).decision == Decision.STARTED


async def test_renew_webhook_secret_shows_it_once_and_the_old_one_works_no_more(stage: ExecutionStage) -> None:
    """Without one nothing can be enabled; a repeated request gets none; in the database it cannot be read."""
    made = await stage.trigger(await stage.workflow(ECHO), webhook={}, inputs=INPUTS)
    assert (made.state, made.webhook.has_secret) == (trigger_pb2.Trigger.DISABLED, False)
    enable = trigger_pb.EnableTriggerRequest(trigger_id=made.trigger_id)
    assert (await refused(stage.call("EnableTrigger", enable))).reason == "TRIGGER_WITHOUT_SECRET"
    request = pb.RenewWebhookSecretRequest(trigger_id=made.trigger_id, request_id=str(ids.new()))
    first, second = [await stage.call("RenewWebhookSecret", request) for _ in range(2)]
    assert (first.secret[:6], second.secret, first.trigger.webhook.has_secret) == ("whsec_", "", True)
    (row,) = await stage.rows("SELECT secret FROM triggers WHERE trigger_id = $1", made.trigger_id)
    assert first.secret.encode() not in row["secret"]
    await stage.call("EnableTrigger", enable)
    renewed = await stage.call("RenewWebhookSecret", pb.RenewWebhookSecretRequest(trigger_id=made.trigger_id))
    assert (await refused(Hook(stage, made.trigger_id, first.secret).deliver("old"))).reason == "SIGNATURE_REFUSED"
    assert (await Hook(stage, made.trigger_id, renewed.secret).deliver("new")).decision == Decision.STARTED
    scheduled = await stage.trigger(await stage.workflow(ECHO), schedule={"cron": "0 0 29 2 *"})
    wrong = stage.call("RenewWebhookSecret", pb.RenewWebhookSecretRequest(trigger_id=scheduled.trigger_id))
    assert (await refused(wrong)).reason == "TRIGGER_OF_ANOTHER_TYPE"
    changes = await stage.rows("SELECT payload FROM changes UNION ALL SELECT payload FROM outbox")
    assert not any(each.secret.encode() in row["payload"] for each in (first, renewed) for row in changes)


async def test_delivery_that_is_forgotten_is_still_accepted_once(stage: ExecutionStage) -> None:
    """After thirty days its content is gone, and what was decided stays."""
    hook = await _hook(stage)
    received = await hook.deliver("old")
    await stage.rows("UPDATE deliveries SET receive_time = receive_time - $1::interval", KEPT + timedelta(days=1))
    await stage.first.kill()
    await stage.replicas.pop().channel.close(None)
    await stage.replica(LOG_LEVEL="WARNING")  # which forgets when it starts

    async def forgotten() -> bool:
        listed = await stage.call("ListDeliveries", pb.ListDeliveriesRequest(trigger_id=hook.trigger_id))
        return not listed.deliveries

    await until(forgotten)
    again = await hook.deliver("old")
    assert (again.execution_id, again.delivery_id) == (received.execution_id, "")
