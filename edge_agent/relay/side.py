"""One side of the line: what it says goes to the other side at once, what is meant for it waits until it takes it."""

import asyncio
import os
from collections.abc import Callable

import structlog

from edge_agent.errors import DeviceError
from edge_agent.relay.ends import End

log = structlog.get_logger()

CHUNK = 64 * 1024
# Waiting for a side that is open: what is under way beyond the kernel's own buffers. Then the other side is held, as a
# cable with flow control holds it.
WINDOW = 16 * 1024
# Waiting for a side that is away, to be written when it is back. The longest honest message is a receipt printed as
# one picture: 30 cm of 80 mm paper, 2400 rows of 72 bytes, 173 KB.
HOLD = 256 * 1024
# Beyond that the register is held this long, as by a printer that is switched off; then it is let go, or it would
# stand still until somebody finds the printer: what comes then is lost for the printer, and said to be.
HELD_S = 60.0
RETRY_FIRST_S = 0.1
RETRY_CAP_S = 1.0  # an open(2) that fails or a SYN: nothing for a machine to do once a second
VANISHED_EVERY_S = 5.0


class Side:
    """A register or a printer: opened again whenever it goes."""

    def __init__(self, name: str, end: End, received: Callable[[bytes], None], changed: Callable[[], None]) -> None:
        """``received`` takes what this side says; ``changed`` hears of every change of ``trouble`` and ``lost``."""
        self.name = name
        self.trouble: DeviceError | None = DeviceError("starting", "not open yet")
        self.lost = 0  # bytes meant for this side that it did not get
        self.other: Side | None = None
        self._end = end
        self._received = received
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._descriptor: int | None = None
        self._waiting = bytearray()
        self._gone = asyncio.Event()
        self._reading = False
        self._letting_go = False  # held long enough: what does not fit is lost
        self._losing = False  # something has been lost since it went
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False
        self._empty = asyncio.Event()
        self._empty.set()

    async def keep_open(self) -> None:
        """Open, and open again, until cancelled."""
        delay = RETRY_FIRST_S
        while True:
            try:
                descriptor = await self._end.open()
            except DeviceError as error:
                self._troubled(error)
                await asyncio.sleep(delay)
                delay = min(delay * 2, RETRY_CAP_S)
                continue
            began = self._loop.time()
            try:
                self._opened(descriptor)
                await self._until_gone()
            finally:
                self._closed()
            if self._loop.time() - began >= RETRY_CAP_S:  # one that takes connections only to drop them is not hurried
                delay = RETRY_FIRST_S
            await asyncio.sleep(delay)
            delay = min(delay * 2, RETRY_CAP_S)

    def write(self, data: bytes) -> None:
        """Take bytes for this side: to the kernel now if it can, else as soon as it does."""
        if self._letting_go and self._descriptor is None and len(self._waiting) >= HOLD:
            self.lost += len(data)
            if not self._losing:
                self._losing = True
                log.warning("relay_bytes_lost", side=self.name)
                self._changed()
            return
        idle = not self._waiting
        self._waiting += data
        if idle and self._descriptor is not None:
            self._flush()
        if self._waiting:
            self._empty.clear()

    @property
    def full(self) -> bool:
        """Whether the other side has to wait."""
        if self._descriptor is not None:
            return len(self._waiting) >= WINDOW
        return len(self._waiting) >= HOLD and not self._letting_go

    def stop(self) -> None:
        """Take no more from this side; what waits for it may still go."""
        if self._descriptor is not None:
            self._read()
        self._stopped = True
        self._hold()

    async def emptied(self) -> None:
        """Wait until this side has taken everything."""
        await self._empty.wait()

    @property
    def waiting(self) -> int:
        """How many bytes this side has not taken."""
        return len(self._waiting)

    @property
    def is_open(self) -> bool:
        """Whether this side may take something now."""
        return self._descriptor is not None

    def kept_open(self) -> int | None:
        """Return a descriptor of this side that stays open, beyond an exec too; None: it is not open now."""
        if self._descriptor is None or self._gone.is_set():
            return None
        kept = os.dup(self._descriptor)
        os.set_inheritable(kept, True)
        return kept

    @property
    def rest(self) -> bytes:
        """What this side has not taken."""
        return bytes(self._waiting)

    def read_empty(self) -> None:
        """Take what this side has said since ``stop``: a port that is closed forgets it."""
        for _ in range(HOLD // WINDOW):  # some kernels' buffers; one that never pauses must not keep it from closing
            if self._descriptor is None or not self._read():
                return

    def resume(self) -> None:
        """Read on: the other side has room."""
        if self._descriptor is not None and not self._reading and not self._stopped:
            self._reading = True
            self._loop.add_reader(self._descriptor, self._read)

    def _opened(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._gone.clear()
        self._release()
        if self.trouble is not None:
            self.trouble = None
            log.info("relay_side_up", side=self.name, waiting=len(self._waiting), lost=self.lost)
            self._changed()
        if self._waiting:
            self._flush()
        if self.other is None or not self.other.full:
            self.resume()

    async def _until_gone(self) -> None:
        while True:
            try:
                async with asyncio.timeout(VANISHED_EVERY_S):
                    await self._gone.wait()
            except TimeoutError:
                if not self._end.vanished():
                    continue
            return

    def _closed(self) -> None:
        if self._descriptor is None:
            return
        self._hold()
        self._loop.remove_writer(self._descriptor)
        self._descriptor = None
        self._end.close()
        if self.other is not None and not self.full:
            self.other.resume()

    def _troubled(self, error: DeviceError) -> None:
        if self.trouble is None or self.trouble.reason != error.reason:
            self.trouble = error
            log.warning("relay_side_down", side=self.name, reason=error.reason, detail=error.detail)
            self._changed()

    def _hold(self) -> None:
        if self._reading and self._descriptor is not None:
            self._reading = False
            self._loop.remove_reader(self._descriptor)

    def _read(self) -> bool:
        """Read once; return whether there was something."""
        assert self._descriptor is not None
        try:
            data = os.read(self._descriptor, CHUNK)
        except BlockingIOError:
            return False
        except OSError:  # EIO, ENODEV: hardware has gone; ECONNRESET
            data = b""
        if not data:  # VMIN is 1: nothing to read is EAGAIN, an empty read is a hang-up
            self._hold()
            self._gone.set()
            return False
        self._received(data)
        if self.other is not None and self.other.full:
            self._hold()
            self.other.wait_for()
        return True

    def wait_for(self) -> None:
        """Begin to count the time for which the other side is held because this one is away."""
        if self._descriptor is None and self._timer is None:
            self._timer = self._loop.call_later(HELD_S, self._let_go)

    def _let_go(self) -> None:
        self._timer = None
        self._letting_go = True
        log.warning("relay_side_given_up", side=self.name, kept=len(self._waiting))
        if self.other is not None:
            self.other.resume()

    def _release(self) -> None:
        """End the count: this side is back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._letting_go = self._losing = False

    def _flush(self) -> None:
        assert self._descriptor is not None
        try:
            written = os.write(self._descriptor, self._waiting)
        except BlockingIOError:
            written = 0
        except OSError:
            self._loop.remove_writer(self._descriptor)
            self._hold()
            self._gone.set()
            return
        del self._waiting[:written]
        if self._waiting:
            self._loop.add_writer(self._descriptor, self._flush)
        else:
            self._loop.remove_writer(self._descriptor)
            self._empty.set()
        if self.other is not None and not self.full:
            self.other.resume()
