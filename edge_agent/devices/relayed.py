"""A line that passes through a relay: the agent reads its copy, and says how both ends are."""

import asyncio
import os
from collections.abc import Sequence

import structlog

from edge_agent.clock import Clock
from edge_agent.config.devices import SerialSettings
from edge_agent.devices.line import Emit, Line
from edge_agent.devices.line_status import LineStatus
from edge_agent.devices.relay_start import GRACE_S, Relays, relay_settings, socket_of
from edge_agent.devices.status import DeviceState, Report
from edge_agent.errors import DeviceError
from edge_agent.relay.copying import Receiver
from edge_agent.relay.messages import (
    PROTOCOL,
    Data,
    Ends,
    FromAgent,
    FromRelay,
    Hello,
    Lost,
    ProtocolError,
    Serve,
    Show,
    frame,
    from_relay,
)
from edge_agent.sockets import short_path

log = structlog.get_logger()

# A Python process that loads little: 0.3 s on an idle core, a few seconds on a box that is starting up.
START_S = 15.0
POLL_S = 0.05
AGAIN_S = 3.0  # and one that does not come is started again
HELLO_S = 5.0
# A loss is a thing of the past the moment it is told; it is shown for as long as somebody may look.
SHOWN_MS = 10 * 60_000
STARTING = "starting"  # what a relay says of an end it has not tried yet


class RelayedStatus(LineStatus):
    """``degraded`` for a while after a loss; ``down`` while the register or the printer cannot be reached."""

    def __init__(self, report: Report, clock: Clock, *, rate: int) -> None:
        super().__init__(report, clock, rate=rate)
        self._noted: tuple[DeviceState, int] | None = None  # until which uptime

    def noted(self, reason: str, detail: str) -> None:
        """Tell of a loss, each time; a device that is down stays so."""
        state = DeviceState("degraded", reason, detail)
        self._noted = state, self._clock.now().uptime_ms + SHOWN_MS
        before, self._current = self._current, None
        self._change(state)
        if before is not None and before.state == "down":
            self._change(before)

    def up(self) -> None:
        """Tell that it works, unless a loss is still to be seen."""
        self._forget()
        self._change(self._verdict(DeviceState("up")))

    def _verdict(self, current: DeviceState) -> DeviceState:
        verdict = super()._verdict(current)
        if self._noted is not None and verdict.state == "up":
            state, until_ms = self._noted
            if self._clock.now().uptime_ms < until_ms:
                return state
            self._noted = None
        return verdict


class RelayedDevice:
    """The copy of one line, from the relay that serves it; without one, it is started."""

    def __init__(
        self, settings: SerialSettings, line: Line, status: RelayedStatus, relays: Relays, *, position: int
    ) -> None:
        """``position``: how many bytes of the line are kept, over all lives: where its journal ends."""
        self.name = settings.id
        self.status = status
        self._settings = relay_settings(settings)
        self._line = line
        self._relays = relays
        self._receiver = Receiver(position)
        self._connection: _Connection | None = None
        self._is_held = False

    async def run(self, emit: Emit) -> None:
        """Read the copy until the relay goes, then raise DeviceError ``relay_missing``.

        What is lost of the copy is told, and ends what was under way: two receipts never become one.
        """
        await self._line.catch_up(emit)
        connection = self._connection = await self._connect()
        try:
            connection.begin()
            await self._line.run(emit, connection)
            while connection.gap is not None:
                await self._line.finish(emit)
                connection.go_on()
                await self._line.run(emit, connection)
            if self._is_held:  # its relay was ended on purpose, and must not be started again
                await asyncio.Event().wait()
        finally:
            self._connection = None
            connection.abort()
        raise DeviceError("relay_missing", "the relay has ended; it is started again")

    def hold(self) -> bool:
        """Take what the relay still has, and end with it; return whether nothing is half read."""
        self._is_held = True
        return not self._line.is_amid

    def show(self, rows: Sequence[str], seconds: float) -> None:
        """Have the relay show text; one that is away shows nothing."""
        if self._connection is not None and self._settings.display is not None:
            self._connection.send(Show(tuple(rows), seconds))

    async def _connect(self) -> "_Connection":
        """Return a connection to a relay that does what the configuration says."""
        grace = GRACE_S if os.environ.get("INVOCATION_ID") else 0.0
        for _ in range(2):
            connection = await self._reach(grace)
            hello = await connection.hello()
            if hello.protocol == PROTOCOL and hello.fingerprint == self._settings.fingerprint():
                return connection
            log.info("relay_takes_over", device=self.name, protocol=hello.protocol)
            connection.send(Serve(self._settings))
            await connection.hung_up()
            grace = AGAIN_S  # it comes back by itself
        raise DeviceError("relay_missing", "another relay serves this line with other settings: end it")

    async def _reach(self, grace: float) -> "_Connection":
        """Connect; a relay that does not come by itself for ``grace`` seconds is started."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        start_at = began + grace
        while True:
            try:
                with short_path(socket_of(self._relays, self.name)) as path:
                    _, connection = await loop.create_unix_connection(
                        lambda: _Connection(self.name, self._line, self.status, self._receiver), path
                    )
            except OSError as error:
                cause = error
            else:
                return connection
            if loop.time() >= start_at:
                start_at = loop.time() + AGAIN_S
                try:
                    self._relays.start(self._settings)
                except OSError as error:  # no memory, too many processes
                    raise DeviceError("relay_missing", f"it cannot be started: {error.strerror}") from error
            if loop.time() - began >= START_S:
                detail = f"nobody serves {socket_of(self._relays, self.name)}: {cause.strerror}"
                raise DeviceError("relay_missing", detail)
            await asyncio.sleep(POLL_S)


class _Connection(asyncio.Protocol):
    """A connection to the relay: the source of a line."""

    def __init__(self, name: str, line: Line, status: RelayedStatus, receiver: Receiver) -> None:
        self.ended = False  # for the line: nothing more comes before ``go_on``
        self.gap: Lost | None = None
        self._name = name
        self._line = line
        self._status = status
        self._receiver = receiver
        self._reader = from_relay()
        self._transport: asyncio.Transport | None = None
        self._hello: asyncio.Future[Hello] = asyncio.get_running_loop().create_future()
        self._closed = asyncio.Event()
        self._begun = False
        self._ends: Ends | None = None
        self._unprinted = 0

    async def hello(self) -> Hello:
        """Return the relay's first word. Raises DeviceError."""
        try:
            async with asyncio.timeout(HELLO_S):
                return await self._hello
        except (TimeoutError, ProtocolError):
            self.abort()
            raise DeviceError("relay_missing", "the relay does not say what it is") from None

    async def hung_up(self) -> None:
        """Wait until the relay has hung up."""
        await self._closed.wait()

    def begin(self) -> None:
        """Have the copy sent."""
        hello = self._hello.result()
        bind, guessed = self._receiver.hello(hello)
        if guessed:
            self._tell_lost("the relay was started anew and does not know where it was: bytes may be lost")
        self._begun = True
        self.send(bind)
        self._tell_ends()

    def go_on(self) -> None:
        """Have the copy sent from behind a gap."""
        assert self.gap is not None
        bind, self.gap = self._receiver.lost(self.gap), None
        self.ended = self._closed.is_set()
        self.send(bind)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the relay's first word."""
        assert isinstance(transport, asyncio.Transport)  # asyncio's promise for a stream socket
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take the relay's word."""
        try:
            for message in self._reader.feed(data):
                self._heard(message)
        except ProtocolError as error:
            log.warning("relay_not_understood", device=self._name, error=str(error))
            self.abort()

    def connection_lost(self, _: Exception | None) -> None:
        """Let the line come to its end."""
        self._closed.set()
        if not self._hello.done():
            self._hello.set_exception(ProtocolError("it hung up"))
            self._hello.exception()  # nobody may be waiting
        self.ended = True
        self._line.wake()

    def send(self, message: FromAgent) -> None:
        """Send, as far as there is still somebody."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame(message))

    def resume(self) -> None:
        """Read on: the line has room."""
        if self._transport is not None and not self._closed.is_set():
            self._transport.resume_reading()

    def abort(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def _heard(self, message: FromRelay) -> None:
        match message:
            case Hello():
                if not self._hello.done():
                    self._hello.set_result(message)
            case Data():
                new, answer = self._receiver.data(message)
                if new and not self._line.receive(new) and self._transport is not None:
                    self._transport.pause_reading()
                self.send(answer)
            case Lost():
                count = message.last - message.first
                self._tell_lost(f"{count} bytes of what the register sent were printed and not read here")
                self.gap = message
                self.ended = True
                self._line.wake()
            case Ends():
                self._ends = message
                if self._begun:
                    self._tell_ends()

    def _tell_lost(self, detail: str) -> None:
        log.warning("copy_lost", device=self._name, detail=detail)
        self._status.noted("copy_lost", detail)

    def _tell_ends(self) -> None:
        if self._ends is None or STARTING in {self._ends.register[0], self._ends.printer[0]}:
            return
        if self._ends.unprinted > self._unprinted:
            self._unprinted = self._ends.unprinted
            log.warning("unprinted", device=self._name, bytes=self._unprinted)
            self._status.noted("unprinted", "the printer was away for too long: not all was printed")
        (register, register_detail), (printer, printer_detail) = self._ends.register, self._ends.printer
        if printer:
            self._status.down("printer_unreachable", f"the till cannot print: {printer_detail}")
        elif register:
            self._status.down(register, register_detail)
        else:
            self._status.up()
