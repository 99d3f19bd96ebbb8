"""The chip behind its port: hears frames at its own speed, acknowledges, answers in the chip's time."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from edge_agent.simulator.pn532 import frames
from edge_agent.simulator.pn532.chip import Chip
from edge_agent.simulator.pn532.faults import SLOW_ACK_S, Faults, spoil
from edge_agent.simulator.pn532.port import Port


class Reader:
    """One reader at the end of a cable; it lives on the running loop.

    ``tell`` is called with what the chip tells, with ``{"struck": fault}`` when a fault strikes, and with ``{"deaf":
    {"host", "chip"}}`` when the host speaks at another speed than the chip (``{"deaf": null}``: no longer). A host that
    died leaves a chip at the speed it had set, and only power takes that back (nfcpy issues 63, 203, 230).
    """

    def __init__(self, link: Path, tell: Callable[[dict[str, object]], None], *, any_speed: bool) -> None:
        """``any_speed``: understand the host at whatever speed, as no chip does."""
        self.chip = Chip(tell)
        self.faults = Faults()
        self._port = Port(link, self._received)
        self._tell = tell
        self._any_speed = any_speed
        self._splitter = frames.Splitter()
        self._pending: asyncio.TimerHandle | None = None
        self._last = b""
        self._deaf = False

    def plug(self) -> None:
        """Put the cable in: a chip that was without power, another port behind the same link."""
        if not self._port.plugged:
            self.chip.power_up()
            self._splitter = frames.Splitter()
            self._deaf = False
            self._port.plug()

    def unplug(self) -> None:
        """Pull the cable."""
        self._abort()
        self._port.unplug()

    def _received(self, data: bytes) -> None:
        if not self._hears():
            return
        for frame in self._splitter.feed(data):
            if frame is frames.Signal.ACK:
                self._abort()
                self.chip.baudrate = self.chip.baudrate_wanted
            elif frame is frames.Signal.NACK:
                self._port.send(self._last)
            elif isinstance(frame, bytes):
                self._execute(frame)

    def _hears(self) -> bool:
        """Return whether the host's speed is the chip's: what comes at another one is noise."""
        speed = self._port.speed
        if speed == self.chip.baudrate_wanted:
            # A pseudo-terminal does not say at which speed a byte was sent, and the host's ACK after a change of
            # speed may be lost in its own reopening of the port: what comes at the speed agreed upon confirms it.
            self.chip.baudrate = speed
        deaf = speed != self.chip.baudrate and not self._any_speed
        if deaf != self._deaf:
            self._deaf = deaf
            self._tell({"deaf": {"host": speed, "chip": self.chip.baudrate} if deaf else None})
        return not deaf

    def _execute(self, command: bytes) -> None:
        self._abort()
        fault = self.faults.strike()
        if fault is not None:
            self._tell({"struck": fault})
        if fault == "unplug":
            self.unplug()
        if fault in ("hang", "unplug"):
            return
        if fault != "slow_ack":
            self._port.send(frames.ACK)
        if fault == "no_reply":
            return
        self.chip.baudrate_wanted = self.chip.baudrate  # only an ACK right after it would have confirmed a change
        reply = self.chip.execute(command)
        answer = spoil(fault, frames.ERROR if reply.data is None else frames.encode(reply.data))
        after_s = reply.after_s + (SLOW_ACK_S if fault == "slow_ack" else 0)
        self._pending = asyncio.get_running_loop().call_later(after_s, self._answer, answer)

    def _answer(self, frame: bytes) -> None:
        self._last = frame
        self._port.send(frame)

    def _abort(self) -> None:
        """Give up the command in hand: what the host's ACK and its next command do."""
        if self._pending is not None:
            self._pending.cancel()
