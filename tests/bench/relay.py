"""What a relay adds between a register and its printer while the whole agent takes its copy, and its memory."""

import asyncio
import os
import random
import select
import signal
import time
import tty
from dataclasses import dataclass
from pathlib import Path

from edge_agent.devices.relay_start import Relays, socket_of
from edge_agent.simulator.virtual_store import STORE_TOML
from tests.support.pty import Cable
from tests.support.relay import serving_process
from tests.support.shop import shop_under_test

PIECES = 3_000
PIECE = 64  # bytes a register's driver writes at a time
PAUSE_S = 0.002
SEED = 4


@dataclass(frozen=True, slots=True)
class Delay:
    """Seconds from a piece written to the piece read, sorted; ``rss_mb``: of the relay's process."""

    direct_s: list[float]
    relayed_s: list[float]
    rss_mb: float

    @property
    def added_p99_s(self) -> float:
        """How far the 99th percentiles lie apart; both ways were taken in turn, under the same load."""
        last = PIECES * 99 // 100
        return self.relayed_s[last] - self.direct_s[last]


async def delay(folder: Path) -> Delay:
    """Write pieces at a till's pace through the relay, and through one pseudo-terminal alone."""
    async with shop_under_test(folder, store_toml=STORE_TOML + 'passthrough = "printer"\n') as shop:
        register, printer = Cable(shop.store.port), Cable(folder / "printer")
        register.plug()
        printer.plug()
        await shop.agent()
        await shop.until_up()
        pid = serving_process(socket_of(Relays.of(folder / "state", shop.store.config), "till-1-printer"))
        assert pid is not None
        try:
            direct, relayed = await asyncio.to_thread(in_turn, register._master, printer._master, PIECES)
            status = Path(f"/proc/{pid}/status").read_text("ascii")
        finally:
            os.kill(pid, signal.SIGKILL)
        register.close()
        printer.close()
    return Delay(direct, relayed, int(status.split("VmRSS:")[1].split()[0]) / 1000)


def in_turn(register: int, printer: int, pieces: int) -> tuple[list[float], list[float]]:
    """Return the delays of a bare pseudo-terminal and of the relay, sorted; descriptors of their far ends."""
    master, slave = os.openpty()
    tty.setraw(slave)
    rng = random.Random(SEED)
    direct, relayed = [], []
    try:
        for _ in range(pieces):
            piece = rng.randbytes(PIECE)
            direct.append(_delay(master, slave, piece))
            time.sleep(PAUSE_S)
            relayed.append(_delay(register, printer, piece))
            time.sleep(PAUSE_S)
    finally:
        os.close(master)
        os.close(slave)
    return sorted(direct), sorted(relayed)


def _delay(here: int, there: int, piece: bytes) -> float:
    begin = time.perf_counter()
    os.write(here, piece)
    read = b""
    while len(read) < PIECE:
        select.select([there], [], [], 5.0)
        read += os.read(there, PIECE)
    assert read == piece
    return time.perf_counter() - begin
