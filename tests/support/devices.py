"""What stands around a device in tests: a decoder of lines, a recorder of what was handed over, a journal in memory."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from edge_agent.clock import Moment
from edge_agent.devices import Device
from edge_agent.devices.line import Emit, Position
from edge_agent.devices.status import DeviceState
from edge_agent.observations import Decoded, Observation, Scan, Undecoded
from edge_agent.supervisor import supervise

SEED = 20261122
LIMIT = 4096


class LineDecoder:
    """One printable ASCII line is a Scan, any other is Undecoded; ``#n`` switches a mode that later lines carry."""

    def __init__(self) -> None:
        self._rest = b""
        self._mode = b""
        self.consumed = 0

    def feed(self, data: bytes) -> list[Decoded]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        found: list[Decoded] = []
        for line in lines:
            self.consumed += len(line) + 1
            if line.startswith(b"#"):
                self._mode = line[1:]
            elif line:
                found.append(self._observation(line))
        if len(self._rest) > LIMIT:
            found += self.idle()
        return found

    def idle(self) -> list[Decoded]:
        rest, self._rest = self._rest, b""
        self.consumed += len(rest)
        return [self._observation(rest)] if rest else []

    def unfinished(self) -> bytes:
        return self._rest

    def modes(self) -> bytes:
        return b"#" + self._mode + b"\n" if self._mode else b""

    def _observation(self, line: bytes) -> Decoded:
        if line.isascii() and line.decode("ascii").isprintable():
            return Scan(line.decode("ascii"), {"mode": self._mode.decode()} if self._mode else {})
        return Undecoded(line, "noise")


class Watched:
    """Something a test can wait on."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def changed(self) -> None:
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition on what is here."""
        async with asyncio.timeout(20):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


class Recorder(Watched):
    """An ``emit`` that remembers; ``gate`` holds it up, ``fail`` makes it raise."""

    def __init__(self) -> None:
        super().__init__()
        self.observations: list[Observation] = []
        self.positions: list[Position] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.fail: Exception | None = None

    async def __call__(self, observations: Sequence[Observation], at: Moment, position: Position | None = None) -> None:
        await self.gate.wait()
        if self.fail is not None:
            raise self.fail
        self.observations += observations
        if position is not None:
            self.positions.append(position)
        self.changed()

    @property
    def codes(self) -> list[str]:
        return [observation.code for observation in self.observations if isinstance(observation, Scan)]


class States(Watched):
    """A ``report`` that remembers."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[DeviceState] = []

    def __call__(self, state: DeviceState) -> None:
        self.all.append(state)
        self.changed()

    @property
    def reasons(self) -> list[str]:
        """Return each state as its reason, or ``up``."""
        return [state.reason or state.state for state in self.all]

    async def until_last(self, *reasons: str) -> None:
        """Wait until the last states have been these."""
        await self.until(lambda: tuple(self.reasons[-len(reasons) :]) == reasons)


class MemoryJournal(Watched):
    """A journal that a crash of the line under test leaves behind."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = b""
        self.begin = 0

    def append(self, data: bytes) -> None:
        self.kept += data
        self.changed()

    def consumed(self, upto: int) -> None:
        self.kept = self.kept[upto - self.begin :]
        self.begin = upto


@asynccontextmanager
async def supervised(device: Device, emit: Emit) -> AsyncIterator[None]:
    """Run the device under ``supervise``, with short delays, while the context lasts."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(
            supervise(
                "till-1",
                lambda: device.run(emit),
                on_down=device.status.down,
                rng=random.Random(SEED),
                cap=0.1,
            )
        )
        try:
            yield
        finally:
            task.cancel()
