"""A serial port that is read: the event loop watches its descriptor."""

import asyncio
import os

from edge_agent import serial_port
from edge_agent.config.devices import SerialSettings
from edge_agent.devices.handover import Handover, key_of
from edge_agent.devices.line import ROOM, Emit, Line
from edge_agent.devices.line_status import LineStatus
from edge_agent.errors import DeviceError
from edge_agent.serial_port import Port


class SerialDevice:
    """Reads one serial port; never writes to it."""

    def __init__(self, settings: SerialSettings, line: Line, status: LineStatus, handover: Handover) -> None:
        self.name = settings.id
        self.status = status
        self._settings = settings
        self._line = line
        self._handover = handover
        self._reader: _Reader | None = None

    async def run(self, emit: Emit) -> None:
        """Read until the port goes, then raise DeviceError ``unplugged``.

        Raises DeviceError ``missing``, ``busy``, ``permission``, ``refused`` or ``hung`` if the port can't be opened.
        Cancelled, it leaves the port open for the next generation, if that wants it; else it reads the port empty
        first: closing would drop what the kernel still holds.
        """
        key = key_of(self._settings)
        port = self._handover.take(key, Port)
        if port is None:
            await self._line.catch_up(emit)
            port = await serial_port.opened(self._settings)
        reader = self._reader = _Reader(port, self._line)
        is_left = False
        try:
            await self._line.catch_up(emit)
            reader.read()
            if not reader.ended:
                self.status.up()
                reader.resume()
            await self._line.run(emit, reader)
        except asyncio.CancelledError:
            is_left = self._handover.leave(key, port, reader.close)
            raise
        finally:
            self._reader = None
            reader.stop()
            if not is_left:
                reader.close()
                await serial_port.closed(self._settings.port)
        raise DeviceError("unplugged", f"{self._settings.port}: {reader.cause}")

    def hold(self) -> bool:
        """Read no more, if nothing is half read; return whether that is so."""
        if self._line.is_amid:
            return False
        if self._reader is not None:
            self._reader.stop()
        return True


class _Reader:
    """Moves bytes from a descriptor to a line for as long as there is room."""

    def __init__(self, port: Port, line: Line) -> None:
        self.ended = False
        self.cause = "the line was hung up"
        self._port = port
        self._descriptor = port.fileno()
        self._line = line
        self._loop = asyncio.get_running_loop()

    def resume(self) -> None:
        if not self.ended:
            self._loop.add_reader(self._descriptor, self.read)

    def read(self) -> None:
        """Read once; stop listening on hang-up (the descriptor would stay readable for ever) and when it is full."""
        data = self._read()
        if data:
            if not self._line.receive(data):
                self._loop.remove_reader(self._descriptor)
        elif self.ended:
            self._loop.remove_reader(self._descriptor)
            self._line.wake()

    def stop(self) -> None:
        """Stop listening."""
        self._loop.remove_reader(self._descriptor)

    def close(self) -> None:
        """Take what the kernel still holds, as much as two full lines of it, and close the port."""
        taken = 0
        while taken < 2 * ROOM and (data := self._read()):
            self._line.receive(data)
            taken += len(data)
        serial_port.close(self._port)

    def _read(self) -> bytes:
        if self.ended:
            return b""
        try:
            data = os.read(self._descriptor, ROOM)
        except BlockingIOError:
            return b""
        except OSError as error:  # EIO, ENODEV: what drivers say when their hardware has gone
            self.cause = error.strerror or str(error)
            data = b""
        self.ended = not data  # VMIN is 1: nothing to read is EAGAIN, an empty read is a hang-up
        return data
