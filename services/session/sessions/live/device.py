"""One attached device: what it may do, what it says, what it was told."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace

from stateroom.session.v1 import attach_pb2 as pb

from chassis.errors import DomainError, InvalidField, Violation
from chassis.rpc.call import Call
from services.session.sessions.domain import Session
from services.session.sessions.errors import DeviceSilent, ReadOnly
from services.session.sessions.live.desk import Desk
from services.session.sessions.live.keyboard import Keyboard
from services.session.sessions.live.runners import OVER
from services.session.sessions.live.taker import Taker
from services.session.sessions.live.window import Window
from services.session.sessions.store import leases
from services.session.sessions.store.leases import Attachment, Lease, Progress

CREDIT = 128 * 1024
"""Bytes that may be sent beyond what is acknowledged."""

_UNAWARE = 2.0  # seconds for which a device that lost control may go on typing into the void before it is told off


class Device:
    """A device attached to a session. `awake` is set whenever there may be something to tell it."""

    def __init__(self, desk: Desk, call: Call, session: Session, attachment: Attachment) -> None:
        self.may_control = session.has_terminal
        self.wants_presence = False
        self.session = session
        self.attachment = attachment
        self.awake = asyncio.Event()
        self.taker = Taker(call, session.session_id)
        self.notices: deque[pb.AttachSessionResponse] = deque()
        self.columns, self.rows = attachment.columns, attachment.rows
        self.noted = Progress(0, attachment.columns, attachment.rows)
        self.lease = Lease(0, controls=False)
        self._desk = desk
        self._actor = replace(call.actor, repeat=None)
        self._fail = call.fail
        self._window = Window(desk, self._actor, session)
        self._keyboard: Keyboard | None = None
        self._typing: asyncio.Task[None] | None = None
        self._lost_control = float("-inf")
        self._heard = time.monotonic()
        self._asked = False
        self._shown: list[tuple[str, pb.AttachRole.ValueType]] | None = None
        self._condition = pb.AttachSessionResponse.Condition()

    @property
    def role(self) -> pb.AttachRole.ValueType:
        """What the device may do now."""
        return pb.CONTROLLER if self.lease.controls else pb.OBSERVER

    @property
    def typed(self) -> bool:
        """Whether it typed since this was last asked."""
        if self._keyboard is None or not self._keyboard.typed:
            return False
        self._keyboard.typed = False
        return True

    async def attach(self, role: pb.AttachRole.ValueType, *, take_over: bool) -> None:
        """Take a role. ControllerTaken, SessionWithoutTerminal, ReadOnly."""
        if role == pb.CONTROLLER or take_over:
            self._expect_may_control()
        lease = await self._desk.database.write(
            self._actor,
            leases.attach,
            attachment=self.attachment,
            wants_control=role != pb.OBSERVER and self.may_control,
            demands=role == pb.CONTROLLER,
            take_over=take_over,
        )
        self._hold(lease)

    async def detach(self) -> None:
        """Give up the role and everything else."""
        self._let_go()
        ids = {"session_id": self.session.session_id, "attachment_id": self.attachment.attachment_id}
        await self._desk.database.write(self._actor, leases.detach, **ids)

    async def listen(self, requests: AsyncIterator[pb.AttachSessionRequest]) -> None:
        """Do what the device says until it stops talking. What goes wrong ends its call."""
        try:
            async for request in requests:
                await self._take(request)
        except Exception as exc:  # noqa: BLE001  # told to the device
            self._fail(exc)

    async def resize(self, columns: int, rows: int) -> None:
        """Give the session the device's size, if it has one, before anything else happens."""
        if columns and rows:
            self.session = await self._window.apply(columns, rows)

    def lose_control(self) -> None:
        """Become an observer, because another device controls the session now."""
        if self.lease.controls:
            self._let_go()
            self.lease = replace(self.lease, controls=False)
            self._lost_control = time.monotonic()
            self._tell_role()

    @property
    def progress(self) -> Progress:
        """How far it is, and its size."""
        return Progress(self.taker.acknowledged, self.columns, self.rows)

    def show(self, presence: pb.AttachSessionResponse.Presence) -> None:
        """Tell the device who is attached, if it wants to know and that is another than it was told last."""
        known = [(each.attachment_id, each.role) for each in presence.attachments]
        if self.wants_presence and known != self._shown:
            self._shown = known
            self.notices.append(pb.AttachSessionResponse(presence=presence))
            self.awake.set()

    def show_condition(self, condition: pb.AttachSessionResponse.Condition) -> None:
        """Tell the device what the session waits for, if that is something else than it was told last."""
        if condition != self._condition:
            self._condition = condition
            self.notices.append(pb.AttachSessionResponse(condition=condition))
            self.awake.set()

    def expect_sign(self, patience: float) -> None:
        """End a device that said nothing for `patience` seconds; after half of them it is asked for a sign of life."""
        silent = time.monotonic() - self._heard
        if silent > patience:
            self._fail(DeviceSilent(self.session.session_id, patience))
        elif silent > patience / 2 and not self._asked:
            self._asked = True
            self.notices.append(pb.AttachSessionResponse(ping=pb.AttachSessionResponse.Ping()))
            self.awake.set()

    async def _take(self, request: pb.AttachSessionRequest) -> None:
        self._heard, self._asked = time.monotonic(), False
        kind = request.WhichOneof("message")
        if kind == "input":
            if self._may_write() and self._keyboard is not None:
                await self._keyboard.type(request.input.data)
        elif kind == "ack":
            self._acknowledge(request.ack.offset)
        elif kind == "resize":
            if self._may_write():
                self.columns, self.rows = request.resize.columns, request.resize.rows
                self._window.resize(self.columns, self.rows)
        elif kind == "take_control":
            await self._take_control()
        else:
            raise InvalidField(Violation("attach", "the device is attached already"))

    def _acknowledge(self, offset: int) -> None:
        if offset > self.taker.acknowledged:
            self.taker.acknowledged = offset
            self.taker.go_on()
            self.awake.set()

    async def _take_control(self) -> None:
        # Even a device that controls asks the database: another may just have taken over without our knowing.
        self._expect_may_control()
        ids = {"session_id": self.session.session_id, "attachment_id": self.attachment.attachment_id}
        lease = await self._desk.database.write(self._actor, leases.take_control, **ids)
        if lease != self.lease:
            self._let_go()
            self._hold(lease)
        self._tell_role()

    def _expect_may_control(self) -> None:
        """Raise SessionWithoutTerminal or ReadOnly for a device that cannot have control."""
        self.session.expect_terminal()
        if not self.may_control:
            raise ReadOnly(self.session.session_id)

    def _may_write(self) -> bool:
        """Whether what was typed may go on. ReadOnly, but for what was typed before the device could know."""
        if self.lease.controls:
            return True
        if time.monotonic() < self._lost_control + _UNAWARE:
            return False
        raise ReadOnly(self.session.session_id)

    def _hold(self, lease: Lease) -> None:
        self.lease = lease
        if lease.controls:
            self._keyboard = Keyboard(self._desk.runners, self.session, lease.epoch)
            self._typing = self._desk.background.spawn(self._type(self._keyboard))

    def _let_go(self) -> None:
        self._window.close()
        if self._typing is not None:
            self._typing.cancel()
        self._keyboard = self._typing = None

    async def _type(self, keyboard: Keyboard) -> None:
        try:
            refusal = await keyboard.run()
        except Exception as exc:  # noqa: BLE001  # told to the device
            self._fail(exc)
        else:
            self._refused(refusal)

    def _refused(self, refusal: DomainError) -> None:
        if refusal.reason == "LEASE_EPOCH_STALE":
            self._typing = None
            self.lose_control()
        elif refusal.reason not in OVER:
            self._fail(refusal)

    def _tell_role(self) -> None:
        changed = pb.AttachSessionResponse.RoleChanged(role=self.role)
        self.notices.append(pb.AttachSessionResponse(role_changed=changed))
        self.awake.set()
