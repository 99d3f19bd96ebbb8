"""A process that does all that an agent does to its disk, and says what it relies on: python -m … DIRECTORY COUNT.

Lines on stdout: ``recorded NUMBER`` once the order's ``commit`` has returned; ``sent EPOCH SEQUENCE ID`` once the
broker may have it; ``shelf VERSION`` once a config was put on the shelf; ``parcel NAME`` once a file may go up.
"""

import asyncio
import os
import sys
from pathlib import Path

from edge_agent import log
from edge_agent.config.shelf import Line, Shelf
from edge_agent.contract.events import Stream
from edge_agent.contract.frames import decode_events
from edge_agent.contract.remote import ConfigId
from edge_agent.remote.commands.acting import Upload
from edge_agent.remote.commands.parcel import Parcel, make_folder
from edge_agent.shop.outcome import Capture, StateChange
from edge_agent.storage import Storage
from tests.support.storage import of, order, running

PARCEL = b"a file that goes up in chunks" * 200


def say(line: str) -> None:
    os.write(1, line.encode() + b"\n")


async def record(storage: Storage, name: str, numbers: range) -> None:
    """Record orders one after the other, each with its capture and the line's position."""
    for number in numbers:
        line = b"%d" % number
        capture = Capture(f"{number:064x}", line * 100)
        await storage.commit(of(order(number), state=[StateChange("line", name, line)], captures=[capture]))
        say(f"recorded {number}")


async def send(storage: Storage, count: int) -> None:
    """Send what is recorded, and have the first half of it acknowledged."""
    await storage.about_to_send()
    sent = 0
    while sent < count:
        for frame in await storage.pending(Stream.ORDERS, sent, 16, 256 * 1024):
            storage.published(Stream.ORDERS, frame.last)
            for event in decode_events(frame.body, frame.encoding):
                say(f"sent {storage.epoch} {event.sequence} {event.id}")
            sent = frame.last
            storage.acknowledge(Stream.ORDERS, sent // 2)
        await asyncio.sleep(0.01)


async def shelve(state_dir: Path, count: int) -> None:
    """Put configs on the shelf and files among those that go up."""
    shelf = Shelf(state_dir / "config")
    for version in range(1, count + 1):
        sha256 = shelf.keep(b"config %d" % version * 50)
        before = shelf.line().committed
        shelf.write(Line(version=version, sha256=sha256, committed=(ConfigId(version, sha256), *before)))
        say(f"shelf {version}")
        folder = state_dir / "outgoing" / f"parcel-{version}"
        make_folder(folder)
        body = folder / "bundle"
        body.write_bytes(PARCEL)
        Parcel.pack(folder, str(version), Upload(body, "bundle", {}))
        say(f"parcel parcel-{version}")
        await asyncio.sleep(0.05)


async def main(folder: Path, count: int) -> None:
    state_dir = folder / "state"
    async with running(state_dir) as storage, asyncio.TaskGroup() as work:
        for line in range(3):
            numbers = range(line * count + 1, (line + 1) * count + 1)
            work.create_task(record(storage, f"line-{line}", numbers))
        work.create_task(send(storage, 3 * count))
        work.create_task(shelve(state_dir, 4))


if __name__ == "__main__":
    log.set_up()  # to stderr: stdout carries what is relied on
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
