"""One conversation with an agent: what people ask of it, and what becomes of that."""

import asyncio
import hashlib
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from stateroom.agent.v1 import agent_event_pb2 as pb

from chassis.errors import InvalidField, RequestIdReused, Violation
from runner.agents import opening, telling
from runner.agents.journal import Journal
from runner.agents.questions import Questions
from runner.agents.requests import Requests
from runner.agents.state import AgentState
from runner.agents.telling import Telling, fields, text_of
from runner.agents.wire import Message, Pipes, Wire
from runner.errors import AgentRefused, TerminalEnded, TurnRunning
from runner.terminal import Terminal

_ANSWER_SECONDS = 8.0
"""Seconds an agent may take to change a setting: less than the caller waits."""
_DISK_RETRY = 1.0


class Agent:
    """An agent whose process runs in a terminal of this runner."""

    def __init__(
        self, terminal: Terminal, pipes: Pipes, state: AgentState, requests: Requests, telling_: Telling
    ) -> None:
        self.state = state
        self.pipes = pipes
        self._terminal = terminal
        self._requests = requests
        self._telling = telling_
        self._changing: dict[str, asyncio.Future[None]] = {}
        self._ending = False
        self.over = False
        self._begun = asyncio.Event()
        self.wire = Wire(pipes, self._hear, terminal.take)
        self._journal = Journal(state.session_id, terminal.spool, terminal.clean, self._block)
        self.questions = Questions(state, self._journal, self.wire, telling_)
        self.resume()

    # What people ask

    def prompt(self, prompt: pb.Prompt, author: pb.Author) -> int:
        """Begin a turn and return the sequence of its prompt. TurnRunning, RequestIdReused, TerminalEnded."""
        self._terminal.expect_running()
        digest = hashlib.sha256(prompt.SerializeToString(deterministic=True)).hexdigest()
        known = self.state.turns.get(prompt.turn_id)
        if known is not None:
            if known[1] != digest:
                raise RequestIdReused(prompt.turn_id)
            return int(known[0])
        if self.state.turn_id:
            raise TurnRunning(self.state.turn_id)
        self.state.turn_id, self.state.cancelled = prompt.turn_id, False
        sequence = self._journal.write(pb.AgentEvent(prompt=prompt, author=author))
        self.state.remember(self.state.turns, prompt.turn_id, sequence, digest)
        self.state.prompt = opening.prompt_parts(prompt, self._telling.files)
        self._send_prompt()
        return sequence

    def cancel(self, author: pb.Author) -> str:
        """Have the turn that runs ended and return it; empty when none does. TerminalEnded."""
        self._terminal.expect_running()
        turn_id = self.state.turn_id
        if not turn_id or self.state.cancelled:
            return turn_id
        self.state.cancelled = True
        self._journal.write(pb.AgentEvent(cancel=pb.Cancel(turn_id=turn_id), author=author))
        if self.state.prompt:  # it never heard of it
            self._end_turn("cancelled")
        else:
            self.wire.send({"method": "session/cancel", "params": {"sessionId": self.state.conversation_id}})
            self.questions.withdraw()
        return turn_id

    async def change(self, setting_id: str, value: str, author: pb.Author) -> None:
        """Change a setting. InvalidField, AgentRefused, TerminalEnded."""
        self._terminal.expect_running()
        if setting_id not in self.state.config:
            known = ", ".join(self.state.config) or "none yet"
            raise InvalidField(Violation("setting_id", f"the agent has no such setting; it has: {known}"))
        method, params = opening.change(self.state, setting_id, value)
        key = self._ask(method, params, "setting", setting_id, value, author.SerializeToString().hex())
        changed = self._changing[key] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await changed
        except TimeoutError as error:
            raise AgentRefused("it did not answer") from error
        finally:
            self._changing.pop(key, None)

    # Its life

    async def begin(self, patience: float) -> None:
        """Say hello, and end an agent that is not ready within `patience` seconds."""
        self._ask("initialize", opening.HELLO, "initialize")
        await self._be_ready(patience)

    async def restore(self, patience: float) -> None:
        """Go on from before an upgrade."""
        self._requests.resume(self)
        if self.state.ready:
            self._begun.set()
        else:
            await self._be_ready(patience)

    async def _be_ready(self, patience: float) -> None:
        try:
            async with asyncio.timeout(patience):
                await self._begun.wait()
        except TimeoutError:
            waiting = next((method for method, *_ in self.state.asked.values()), "initialize")
            await self.fail(f"The agent did not answer `{waiting}` within {patience:g} seconds.")

    async def fail(self, sentence: str) -> None:
        """End an agent that cannot be talked to."""
        self._begun.set()
        if self._ending:
            return
        self._journal.write(pb.AgentEvent(fault=pb.Fault(message=sentence)))
        clean = self._terminal.clean(sentence.replace("\0", ""))  # it becomes the session's reason
        with suppress(TerminalEnded):
            await self._terminal.signal(signal.SIGKILL, 0, f"start_failed {clean}")

    def resume(self) -> None:
        """Write and read again, if there is room and the session is not paused."""
        self._journal.resume()

    async def finish(self) -> str:
        """Take its last words once its process has ended, end what it left open, and write all of it down.

        Returns:
            Why it never was ready, if nobody ended it for that.
        """
        self._ending = True
        self.wire.resume()
        await self.wire.finished.wait()
        fault = "" if self.state.ready or self._begun.is_set() else "The agent ended before it was ready."
        if fault:
            self._journal.write(pb.AgentEvent(fault=pb.Fault(message=fault)))
        self._begun.set()
        self.questions.withdraw()
        if self.state.turn_id:
            self._end_turn("agent_ended", "The agent ended while it worked.")
        await self._requests.close()
        for changed in self._changing.values():
            changed.set_exception(TerminalEnded(self.state.session_id))
        self.over = True
        while not self._journal.written:  # noqa: ASYNC110 no event
            await asyncio.sleep(_DISK_RETRY)
        self.wire.close()
        return fault

    # What it says

    def _hear(self, message: Message) -> None:
        method, params = message.get("method"), fields(message.get("params"))
        if method is None:
            self._answered(message)
        elif "id" not in message:
            if method == "session/update":
                self._tell(fields(params.get("update")))
        elif method == "session/request_permission":
            self.questions.ask(message["id"], params)
        else:
            self._requests.serve(self, message["id"], str(method), params)

    def write(self, event: pb.AgentEvent) -> None:
        """Write an event into the log, unless that is closed."""
        if not self.over:
            self._journal.write(event)

    def _tell(self, update: Mapping[str, Any]) -> None:
        for event in self._telling.events(update, replayed=not self.state.ready):
            self._journal.write(event)
        kind = update.get("sessionUpdate")
        if kind == "current_mode_update":
            mode = pb.Setting(setting_id="mode", value=text_of(update.get("currentModeId"), 200))
            self._journal.write(pb.AgentEvent(setting=mode))
        elif kind == "config_option_update":
            self.state.config |= opening.config(update)
            for setting in telling.settings(update):
                self._journal.write(pb.AgentEvent(setting=setting))

    def _answered(self, message: Message) -> None:
        purpose = self.state.asked.pop(str(message.get("id")), None)
        if purpose is None:
            return
        _, kind, *facts = purpose
        error = message.get("error")
        result = fields(message.get("result"))
        if kind == "prompt":
            self._prompt_answered(result, error)
        elif kind == "setting":
            self._setting_answered(str(message.get("id")), facts, error)
        else:
            self._opened(kind, result, error)

    def _opened(self, kind: str, result: Message, error: object) -> None:
        """Take the next step towards being ready."""
        step = opening.next_step(self.state, kind, result, opening.complaint(error) if error is not None else "")
        if step.fault:
            self._requests.spawn(self.fail(step.fault))
        for method, params, purpose in step.asks:
            self._ask(method, params, *purpose)
        if step.ready is not None:
            self._journal.write(pb.AgentEvent(ready=step.ready))
            self._begun.set()
            self._send_prompt()

    def _prompt_answered(self, result: Message, error: object) -> None:
        usage = telling.usage_of_turn(result.get("usage"))
        if usage is not None:
            self._journal.write(pb.AgentEvent(usage=usage))
        self.questions.withdraw()
        if error is not None:
            self._end_turn("failed", opening.complaint(error))
        else:
            self._end_turn(text_of(result.get("stopReason"), 50) or "end_turn")

    def _setting_answered(self, key: str, facts: list[str], error: object) -> None:
        setting_id, value, author = facts
        changed = self._changing.get(key)
        if error is not None:
            refused = AgentRefused(opening.complaint(error))
            if changed is not None and not changed.done():
                changed.set_exception(refused)
            else:
                self._journal.write(pb.AgentEvent(fault=pb.Fault(message=refused.message)))
            return
        setting = pb.Setting(setting_id=setting_id, value=value)
        self._journal.write(
            pb.AgentEvent(setting=setting, author=pb.Author.FromString(bytes.fromhex(author)) if author else None)
        )
        if changed is not None and not changed.done():
            changed.set_result(None)

    # What we do

    def _ask(self, method: str, params: Mapping[str, Any], *purpose: object) -> str:
        key, self.state.next_id = str(self.state.next_id), self.state.next_id + 1
        self.state.asked[key] = [method, *purpose]
        self.wire.send({"id": int(key), "method": method, "params": params})
        return key

    def _send_prompt(self) -> None:
        if self.state.ready and self.state.prompt:
            parts, self.state.prompt = self.state.prompt, []
            self._ask("session/prompt", {"sessionId": self.state.conversation_id, "prompt": parts}, "prompt")

    def _end_turn(self, reason: str, detail: str = "") -> None:
        ended = pb.TurnEnd(turn_id=self.state.turn_id, reason=reason, detail=detail)
        self._journal.write(pb.AgentEvent(turn_end=ended))
        self.state.turn_id, self.state.prompt = "", []

    def _block(self, blocked: bool) -> None:  # noqa: FBT001  # the one thing it says
        if (blocked or self._terminal.paused) and not self._ending:
            self.wire.pause()
        else:
            self.wire.resume()
