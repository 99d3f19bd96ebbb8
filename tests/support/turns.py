"""What is said and recorded while one generation turns into the next."""

import asyncio
from pathlib import Path

import msgspec

from edge_agent.contract.events import CloudEvent, Stream
from edge_agent.contract.frames import decode_events
from edge_agent.devices.serial import SerialDevice
from edge_agent.simulator.virtual_store import STORE_TOML
from edge_agent.storage import Storage
from tests.support.broker import until
from tests.support.generation import Running
from tests.support.storage import frames

TILL = "till-1-printer"
# No pause of a busy machine ends a receipt: only its cut does.
PATIENT = 'idle_end = "30s"\n'
RENAMED = STORE_TOML.replace(TILL, "till-1-renamed")


async def events(storage: Storage, stream: Stream) -> list[CloudEvent]:
    """Return all that was recorded, in order."""
    return [event for frame in await frames(storage, stream) for event in decode_events(frame.body, frame.encoding)]


async def numbers(storage: Storage) -> list[str]:
    """Return the numbers of all orders recorded, in order."""
    return [msgspec.json.decode(event.data)["order_no"] for event in await events(storage, Stream.ORDERS)]


async def types(storage: Storage, stream: Stream) -> list[str]:
    """Return the types of all events recorded, in order."""
    return [event.type for event in await events(storage, stream)]


async def up(shop: Running, *ids: str) -> None:
    """Wait until devices work."""
    await until(lambda: all(shop.generation.devices[id_].state == "up" for id_ in ids))


async def all_recorded(storage: Storage, books: dict[str, int]) -> None:
    """Wait until all receipts of the books are recorded, each once."""
    async with asyncio.timeout(30):
        while sorted(await numbers(storage)) != sorted(books):
            await asyncio.sleep(0.05)


def is_amid(shop: Running, device: str = TILL) -> bool:
    """Tell whether a receipt is half read: what is written arrives at the far end of a pty a little later."""
    reading = shop.generation.devices[device].device
    assert isinstance(reading, SerialDevice)
    return reading.status.last_data is not None and reading._line.is_amid


def open_files(path: Path) -> int:
    """Return how many descriptors of this process lead to a file, or to what its name is a link to."""
    there = {str(path), str(path.resolve())}
    found = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            found += str(descriptor.readlink()) in there
        except FileNotFoundError:  # the one that reads this folder
            continue
    return found
