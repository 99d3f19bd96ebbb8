"""How far each line has been recorded, and what becomes of half-read receipts when a config changes."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeVar

import msgspec

from edge_agent import decoders, devices
from edge_agent.clock import Clock
from edge_agent.config import Config
from edge_agent.config.devices import DeviceSettings, LineSettings, SerialSettings
from edge_agent.devices.handover import key_of
from edge_agent.devices.line import Emit, Journal, Position, Start
from edge_agent.generation.running_device import RunningDevice
from edge_agent.shop.outcome import StateChange
from edge_agent.storage import Storage

PART = "line"  # durable state, by line

# A receipt takes a second to print, and silence completes what has no cut: `idle_end` is 2 s if not said otherwise.
QUIET_S = 3.0
QUIET_POLL_S = 0.01  # between two receipts of a till that prints without a pause


class _Recorded(msgspec.Struct):
    """The durable form of a line's position. ``decoder``: whose modes these are; empty: of an older version's row."""

    consumed: int
    modes: bytes
    decoder: str = ""


def recorded(settings: DeviceSettings, position: Position) -> StateChange:
    """Return the fact of a line's position, to be committed with what was said up to there."""
    row = _Recorded(position.consumed, position.modes, _decoder(settings))
    return StateChange(PART, position.line, msgspec.msgpack.encode(row))


def keep(storage: Storage, settings: DeviceSettings, line: str) -> tuple[Journal, Start]:
    """Return a line's journal, and where it goes on: behind what has been recorded of it."""
    journal = storage.journal(line)
    row = storage.state(PART).get(line)
    was = msgspec.msgpack.decode(row, type=_Recorded) if row else _Recorded(0, b"")
    modes = was.modes if was.decoder in {"", _decoder(settings)} else b""  # one language's modes are another's noise
    return journal, Start(was.consumed, modes, journal.start(was.consumed))


def new_decoder(settings: LineSettings) -> decoders.Decoder:
    """Return a fresh decoder for a line."""
    return decoders.create(settings.decoder, settings)


def reopened(running: Iterable[RunningDevice], next_: Config) -> list[RunningDevice]:
    """Return the devices with lines that the next config opens or reads otherwise, or not at all."""
    return [device for device, settings, following in _lines(running, next_) if not _stays(settings, following)]


def ending(running: Iterable[RunningDevice], next_: Config) -> list[RunningDevice]:
    """Return the devices with lines whose half-read receipts the next config does not read to their end."""
    return [device for device, settings, following in _lines(running, next_) if not _goes_on(settings, following)]


async def quiet(reopened: Iterable[RunningDevice]) -> None:
    """Have lines read no more, each between two receipts if there is such a moment soon."""
    holding = [running.device for running in reopened if isinstance(running.device, devices.Holding)]
    loop = asyncio.get_running_loop()
    until = loop.time() + QUIET_S
    talking = holding
    while talking and loop.time() < until:
        # All are asked each time: behind a relay a till prints on, and so it may be in the middle again.
        talking = [device for device in holding if not device.hold()]
        await asyncio.sleep(QUIET_POLL_S if talking else 0)


async def complete(
    ending: Iterable[RunningDevice], storage: Storage, clock: Clock, record: Callable[[RunningDevice], Emit]
) -> None:
    """Make the best of what lines that nobody reads any more have left unfinished. Raises StorageError."""
    for running in ending:
        settings = running.settings
        assert isinstance(settings, LineSettings)
        for line in devices.unfinished(settings, new_decoder, clock, partial(keep, storage, settings)):
            await line.conclude(record(running))
            storage.journal(line.name).close()


def is_same(settings: DeviceSettings, was: DeviceSettings) -> bool:
    """Tell whether two configs mean the same thing: what people call it, and where it stands, may differ."""
    key = key_of(settings)
    if key is not None:
        return key == key_of(was)
    said = {"name", "touchpoint"}
    return type(settings) is type(was) and settings.model_dump(exclude=said) == was.model_dump(exclude=said)


def _lines(
    running: Iterable[RunningDevice], next_: Config
) -> Iterator[tuple[RunningDevice, LineSettings, DeviceSettings | None]]:
    """Yield the devices with lines, how each is configured, and how what has its id will be."""
    following = {settings.id: settings for settings in next_.store.devices}
    for device in running:
        if isinstance(device.settings, LineSettings):
            yield device, device.settings, following.get(device.settings.id)


def _stays(settings: LineSettings, following: DeviceSettings | None) -> bool:
    """Tell whether a line stays open, and is read in the same language."""
    alike = isinstance(following, LineSettings) and following.decoder == settings.decoder
    return alike and following is not None and key_of(following) == key_of(settings)


def _goes_on(settings: LineSettings, following: DeviceSettings | None) -> bool:
    """Tell whether a half-read receipt will be read to its end: from the same till, in one language.

    Whether it passes through a relay, and to which printer, is nothing to the till: what it says goes on.
    """
    return _stays(_of_the_till(settings), following and _of_the_till(following))


Settings = TypeVar("Settings", bound=DeviceSettings)


def _of_the_till(settings: Settings) -> Settings:
    """Return the settings without what is behind the line."""
    return settings.model_copy(update={"passthrough": None}) if isinstance(settings, SerialSettings) else settings


def _decoder(settings: DeviceSettings) -> str:
    return settings.decoder if isinstance(settings, LineSettings) else ""
