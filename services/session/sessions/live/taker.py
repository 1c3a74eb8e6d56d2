"""How long somebody who gets output has been waited for."""

import time
from dataclasses import dataclass
from uuid import UUID

from chassis.rpc.call import Call
from services.session.sessions.errors import SlowConsumer


@dataclass(eq=False, slots=True)
class Taker:
    """One call that streams a session's output. `acknowledged` is the offset that its client has come to."""

    call: Call
    session_id: UUID
    acknowledged: int = 0
    _awaited_since: float | None = None

    def wait_for(self) -> None:
        """Note that the client gets nothing more before it takes or acknowledges what it has."""
        self._awaited_since = self._awaited_since or time.monotonic()

    def go_on(self) -> None:
        """Note that it did."""
        self._awaited_since = None

    def expect_progress(self, patience: float) -> None:
        """End the call of a client that has been waited for longer than `patience` seconds."""
        if self._awaited_since is not None and time.monotonic() > self._awaited_since + patience:
            self.call.fail(SlowConsumer(self.session_id, self.acknowledged))
