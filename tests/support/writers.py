"""Callers that change things over REST while parts die under them, and note what they were told."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2

from chassis import ids
from cli.client import Json
from cli.endpoint import Endpoint
from tests.support.history import History, Operation, Outcome
from tests.support.waiting import until

ABANDONED = 0.1
"""Share of wishes that are not repeated when their answer is lost: nobody knows what became of them."""
TWICE = 0.2
"""Share of keys that are revoked a second time, which must be refused."""


@dataclass(slots=True)
class Writers:
    """What all writers share. They go on until `enough` is set."""

    http: httpx2.AsyncClient
    dice: random.Random
    history: History = field(default_factory=History)
    enough: bool = False

    @property
    def changes(self) -> int:
        """How many changes were answered."""
        return sum(operation.outcome is Outcome.OK for operation in self.history.operations)

    async def write_keys(self) -> None:
        """Create keys and revoke them, some of them twice."""
        while not self.enough:
            created = await self._wish("api_key.created", "POST", "/v1/apiKeys", {"name": "short-lived"})
            if created is None:
                continue
            path = f"/v1/apiKeys/{created['apiKey']['apiKeyId']}"
            revoked = await self._wish("api_key.revoked", "DELETE", path)
            if revoked is not None and self.dice.random() < TWICE:
                assert await self._wish("api_key.revoked", "DELETE", path) is None

    async def widen(self, session_id: str, times: int) -> None:
        """Make a session wider by one column, again and again, always from the width that was read last."""
        path = f"/v1/sessions/{session_id}"
        for _ in range(times):

            async def widened() -> bool:
                session = await self._read(path)
                body = {"columns": session["columns"] + 1, "rows": session["rows"], "etag": session["etag"]}
                return await self._wish("session.resized", "POST", f"{path}:resize", body, repeat=True) is not None

            await until(widened)

    async def _read(self, path: str) -> Json:
        answers: list[Json] = []

        async def answered() -> bool:
            try:
                answer = await self.http.get(path)
            except httpx2.TransportError:
                return False
            if answer.is_success:
                answers.append(answer.json())
            return answer.is_success

        await until(answered)
        return answers[0]

    async def _wish(
        self, change: str, method: str, path: str, body: Json | None = None, *, repeat: bool | None = None
    ) -> Json | None:
        """Want something until it is answered, or give up when the first answer is lost; None without success."""
        repeat = self.dice.random() >= ABANDONED if repeat is None else repeat
        operation = self.history.invoke(str(ids.new()), change)
        answers: list[Json] = []

        async def settled() -> bool:
            answer = await self._attempt(operation, method, path, body)
            if answer is None or answer.status_code >= 500:
                return not repeat
            operation.outcome = Outcome.OK if answer.is_success else Outcome.FAIL
            assert answer.is_success or answer.status_code in {400, 409, 412}, answer.text
            answers.extend([answer.json()] if answer.is_success else [])
            return True

        await until(settled)
        return answers[0] if answers else None

    async def _attempt(self, operation: Operation, method: str, path: str, body: Json | None) -> httpx2.Response | None:
        headers = {"Idempotency-Key": operation.request_id, "X-Request-Id": operation.request_id}
        try:
            return await self.http.request(method, path, json=body, headers=headers)
        except httpx2.TransportError:
            return None


@asynccontextmanager
async def writers(api: Endpoint, dice: random.Random) -> AsyncIterator[Writers]:
    """Return writers that act as the owner."""
    headers = {"Authorization": f"Bearer {api.api_key}"}
    async with httpx2.AsyncClient(base_url=api.url, headers=headers, timeout=15.0) as http:
        yield Writers(http, dice)
