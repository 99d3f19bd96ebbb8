"""A Bluetooth adapter that listens for advertisements, by bleak on BlueZ.

A scanner that has lost its radio says nothing, for ever. So what BlueZ says of the adapter is watched beside it, and
silence too; whatever ends a scanner, a new one takes its place.
"""

import asyncio
from collections import deque
from contextlib import suppress

import structlog
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from edge_agent.clock import Clock
from edge_agent.config.devices import BleSettings
from edge_agent.devices.ble.ladder import Ladder, Patience
from edge_agent.devices.ble.scanner import Scanner
from edge_agent.devices.ble.watch import Watch, watching
from edge_agent.devices.line import Emit
from edge_agent.devices.status import Status
from edge_agent.errors import DeviceError
from edge_agent.observations import Advertisement

log = structlog.get_logger()

# What a shop of 2,000 advertisements a second says in four seconds: a commit takes 5 ms, a disk at its worst seconds.
QUEUE = 8192
# Handed over at once: at 20 us each, the presence rules' mark, the loop is kept for 10 ms at most.
BATCH = 512
# One octet tells the length of a structure, so it has 254 after its type (Core specification, Vol 3 Part C 11); an
# advertisement has 1650 in all, with extended advertising (Vol 6 Part B 2.3.4.9).
FIELD_BYTES = 254
# Badges and telephones send one or two. BlueZ keeps old ones beside new ones for as long as it knows the device.
FIELDS = 32
# -127 to +20 dBm, 127: not known (Vol 4 Part E 7.7.65.2). bleak makes -127 of none at all, which is what BlueZ says
# when a device changes otherwise, and of every device when the radio is switched off: no sign of life.
WEAKEST, STRONGEST = -126, 20


class BleDevice:
    """One adapter. Its name, state and counts are told by ``status``; one ``run`` at a time.

    Counts: ``received``, ``dropped`` (the queue was full), ``without_strength``, ``impossible`` (longer than any radio
    can send), ``rebuilt`` (scanners after the first), ``power_cycled``, ``powered_on``.
    """

    def __init__(self, settings: BleSettings, status: Status, clock: Clock, patience: Patience | None = None) -> None:
        self.name = settings.id
        self.status = status
        self._adapter = settings.adapter
        self._clock = clock
        self._patience = patience or Patience()
        self._ladder = Ladder(self._patience)
        self._queue: deque[Advertisement] = deque(maxlen=QUEUE)
        self._awake = asyncio.Event()
        self._watch: Watch | None = None
        self._cycling = False
        self._scanners = 0

    async def run(self, emit: Emit) -> None:
        """Hand over advertisements in batches; wait for bluetoothd and the adapter wherever they are away.

        Raises DeviceError: ``no_bus``, ``permission``, ``no_answer`` of D-Bus and BlueZ; ``start_refused``,
        ``start_hung``, ``not_scanning`` of the scan; ``silent``: nothing was heard for long, so run it again.
        Raises what ``emit`` raises; the batch it refused is lost, as if nobody had listened.
        """
        self._watch = None
        async with watching(self._adapter, self._noticed, answer=self._patience.answer) as self._watch:
            while True:
                await self._ready(self._watch)
                await self._scan(self._watch, emit)

    def _noticed(self) -> None:
        """Tell what has just gone wrong at once: presence is frozen from then on."""
        watch = self._watch
        if watch is not None and not watch.stale and not self._cycling and (trouble := watch.trouble()) is not None:
            self.status.down(trouble.reason, trouble.detail)
        self._awake.set()

    async def _ready(self, watch: Watch) -> None:
        """Wait until a scanner can run. Raises DeviceError if that is no matter of waiting."""
        while True:
            if watch.stale:
                await watch.refresh()
            trouble = watch.trouble()
            if trouble is None:
                if not self._ladder.power_cycle_due(self._now()):
                    return
                await self._power_cycle(watch)
                continue
            if trouble.reason == "no_bus":
                raise trouble
            self.status.down(trouble.reason, trouble.detail)
            if trouble.reason == "powered_off" and self._ladder.power_allowed(self._now()):
                await self._power_on(watch)
            await self._wait(self._patience.look)

    async def _scan(self, watch: Watch, emit: Emit) -> None:
        """Scan until the watch says that the scanner has ended. DeviceError otherwise."""
        breaks = watch.breaks
        scanner = Scanner(self._adapter, self._heard)
        self._scanners += 1
        self.status.counts["rebuilt"] += self._scanners > 1
        try:
            await self._start(scanner, watch, breaks)
            await self._listen(scanner, watch, emit, breaks)
        except DeviceError:
            # What the watch knows is the cause, this its consequence.
            if watch.breaks == breaks and watch.trouble() is None:
                raise
        finally:
            await scanner.close(within=self._patience.stop)

    async def _start(self, scanner: Scanner, watch: Watch, breaks: int) -> None:
        try:
            await scanner.start(within=self._patience.start)
            async with asyncio.timeout(self._patience.answer):
                while not watch.discovering and watch.breaks == breaks:
                    await self._wait(self._patience.look)
        except TimeoutError:
            self._ladder.failed()
            raise DeviceError("not_scanning", f"{self._adapter}: BlueZ took the start but does not scan") from None
        except DeviceError:
            self._ladder.failed()
            raise

    async def _listen(self, scanner: Scanner, watch: Watch, emit: Emit, breaks: int) -> None:
        if watch.breaks != breaks:
            return
        if self._ladder.exhausted:
            self.status.degraded("silent", f"{self._adapter} scans and hears nothing at all")
        else:
            self.status.up()
        quiet_from = self._now()
        while watch.breaks == breaks and watch.trouble() is None:
            if self._queue:
                await self._hand_over(emit)
                quiet_from = self._now()
                self._ladder.heard(self._now())
                if watch.breaks == breaks:
                    self.status.up()
            elif self._now() - quiet_from >= self._ladder.silence_allowed:
                self._ladder.silent()
                raise DeviceError("silent", f"{self._adapter} heard nothing for {self._now() - quiet_from:.0f} s")
            if not scanner.connected:  # dbus-daemon dropped it, or dbus-fast did over a message it could not read
                raise DeviceError("no_bus", "the scanner's connection to the system's D-Bus was lost")
            if not watch.discovering and self._now() - watch.stopped_at >= self._patience.stopped:
                raise DeviceError("not_scanning", f"{self._adapter}: BlueZ does not scan any more")
            await self._wait(self._patience.look)

    async def _hand_over(self, emit: Emit) -> None:
        """Hand over what is waiting now; what arrives meanwhile has its turn after the looks at the radio."""
        waiting = len(self._queue)
        while waiting > 0:
            batch = [self._queue.popleft() for _ in range(min(BATCH, waiting))]
            waiting -= len(batch)
            self.status.counts["received"] += len(batch)
            await emit(batch, self.status.seen())
            await asyncio.sleep(0)  # a full queue must not keep the loop from the others

    def _heard(self, device: BLEDevice, data: AdvertisementData) -> None:
        counts = self.status.counts
        if not WEAKEST <= data.rssi <= STRONGEST:
            counts["without_strength"] += 1
            return
        manufacturer, services = data.manufacturer_data, data.service_data
        for fields in (manufacturer, services):
            if len(fields) > FIELDS or any(len(value) > FIELD_BYTES for value in fields.values()):
                counts["impossible"] += 1
                return
        waiting = len(self._queue)
        if waiting == 0:
            self._awake.set()
        elif waiting == QUEUE:
            counts["dropped"] += 1
        self._queue.append(
            Advertisement(device.address, data.rssi, self._clock.read_uptime_ms(), manufacturer, services)
        )

    async def _wait(self, longest: float) -> None:
        """Wait for an advertisement, gathering those that follow it, or for news of the adapter."""
        self._awake.clear()
        if not self._queue:
            with suppress(TimeoutError):
                async with asyncio.timeout(longest):
                    await self._awake.wait()
        if self._queue:
            await asyncio.sleep(self._patience.batch)

    async def _power_on(self, watch: Watch) -> None:
        refused = await watch.set_powered(on=True)
        self._ladder.power_touched(self._now(), taken=not refused)
        self.status.counts["powered_on"] += not refused
        log.info("adapter_powered_on", device=self.name, adapter=self._adapter, refused=refused)

    async def _power_cycle(self, watch: Watch) -> None:
        self._cycling = True  # what it does itself is no news
        try:
            refused = await watch.set_powered(on=False)
            await asyncio.sleep(self._patience.stopped)
            refused = refused or await watch.set_powered(on=True)
        finally:
            self._cycling = False
        self._ladder.power_touched(self._now(), taken=not refused)
        self.status.counts["power_cycled"] += not refused
        log.warning("adapter_power_cycled", device=self.name, adapter=self._adapter, refused=refused)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
