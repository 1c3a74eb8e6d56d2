"""I1 to I5: whatever dies or is wiped between a change and its audit entry, each is recorded once and in order."""

import asyncio
from collections import defaultdict

import httpx2
import pytest

from chassis import ids
from cli.client import Client, Json
from tests.support.embedded_stack import EmbeddedStack
from tests.support.waiting import until

KEYS, WRITERS = 100, 4
"""Each key is created and revoked: 200 changes."""


class Writer:
    """Makes changes through the API, each until it succeeds; a repetition carries the same idempotency key."""

    def __init__(self, stack: EmbeddedStack) -> None:
        headers = {"Authorization": f"Bearer {stack.api.api_key}"}
        self._http = httpx2.AsyncClient(base_url=stack.api.url, headers=headers)
        self.made: list[str] = []

    async def run(self, count: int) -> None:
        """Create keys and revoke them."""
        async with self._http:
            for _ in range(count):
                created = await self._persist("POST", "/v1/apiKeys", {"name": "short-lived"})
                key_id = created["apiKey"]["apiKeyId"]
                await self._persist("DELETE", f"/v1/apiKeys/{key_id}")
                self.made.append(key_id)

    async def _persist(self, method: str, path: str, body: Json | None = None) -> Json:
        headers, answers = {"Idempotency-Key": str(ids.new())}, []

        async def succeeded() -> bool:
            try:
                answer = await self._http.request(method, path, json=body, headers=headers)
            except httpx2.TransportError:
                return False
            assert answer.is_success or answer.status_code >= 500, answer.text
            if answer.is_success:
                answers.append(answer.json())
            return answer.is_success

        await until(succeeded, seconds=40)
        return dict(answers[0])


@pytest.mark.timeout(120)
async def test_audit_relay_killed_and_broker_wiped_every_change_is_recorded_once(
    embedded_stack: EmbeddedStack, client: Client, rounds: int
) -> None:
    """While 200 changes are made, their service, the broker with its store, and the audit service die in turn."""
    stack = embedded_stack
    writers = [Writer(stack) for _ in range(WRITERS)]

    async def reached(count: int) -> None:
        async def enough() -> bool:
            return sum(len(writer.made) for writer in writers) >= count

        await until(enough, seconds=60)

    async with asyncio.TaskGroup() as group:
        for writer in writers:
            group.create_task(writer.run(KEYS // WRITERS))
        for number in range(rounds):
            await reached((number * 3 + 1) * KEYS // (rounds * 3 + 1))
            await stack.kill("workspace")
            await reached((number * 3 + 2) * KEYS // (rounds * 3 + 1))
            store = stack.data / "nats" / "jetstream"
            store.rename(store.with_name(f"wiped-{ids.new()}"))
            await stack.kill("nats")
            await reached((number * 3 + 3) * KEYS // (rounds * 3 + 1))
            await stack.kill("audit")
    made = {key_id for writer in writers for key_id in writer.made}
    entries: list[Json] = []

    async def complete() -> bool:
        pages = client.pages("/v1/auditLogs", "auditLogs", limit=100_000, entityType="api_key")
        entries[:] = [entry async for entry in pages if entry["entityId"] in made]
        return len(entries) >= 2 * KEYS

    await until(complete, seconds=40)
    histories: defaultdict[str, list[Json]] = defaultdict(list)
    for entry in sorted(entries, key=lambda entry: int(entry["position"])):
        histories[entry["entityId"]].append(entry)
    assert histories.keys() == made
    for history in histories.values():
        assert [entry["action"] for entry in history] == ["api_key.created", "api_key.revoked"]
        assert [entry["entityVersion"] for entry in history] == ["1", "2"]
    assert len({(entry["source"], entry["epoch"], entry["position"]) for entry in entries}) == 2 * KEYS
    assert len({entry["auditLogId"] for entry in entries}) == 2 * KEYS
