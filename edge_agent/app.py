"""The composition root: builds the parts and nests them. Nothing else knows everybody.

Nesting order is shutdown order: devices stop first, then the page and the link, the storage last.
"""

import asyncio
import gc
import hashlib
import hmac
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import msgspec
import structlog

from edge_agent import __version__
from edge_agent.clock import Clock
from edge_agent.config import Config
from edge_agent.config.shelf import Shelf
from edge_agent.contract import data
from edge_agent.contract.events import Draft, Origin, Stream
from edge_agent.contract.ids import uuid7
from edge_agent.contract.topics import Topics
from edge_agent.generation import Generations
from edge_agent.health import Health
from edge_agent.log import tell_suppressed
from edge_agent.page import status
from edge_agent.page.control import control_socket
from edge_agent.page.server import serving
from edge_agent.page.sources import Sources
from edge_agent.remote import Remote
from edge_agent.remote.commands.box import Box
from edge_agent.remote.commands.commands import Commands
from edge_agent.remote.configs.configs import Configs
from edge_agent.remote.remote import trusted
from edge_agent.shop.outcome import Outcome
from edge_agent.sockets import runtime_directory
from edge_agent.storage import Storage, StorageSettings
from edge_agent.sync import Sync
from edge_agent.uplink import Link, Uplink
from edge_agent.uplink.settings import settings_of

log = structlog.get_logger()

HEALTH_EVERY_S = 300.0  # contract section 3: on change and every 5 minutes
HEALTH_SETTLE_S = 1.0  # changes come in bursts (a hub unplugged is four devices): one message says it
CLOCK_EVERY_S = 1.0  # a step is known within a second, and its event goes out before most that follow
FLUSH_S = 2.0  # what a stopping agent waits for the disk and for head office's last word: inside the contract's 10 s


async def run(config: Config) -> None:
    """Run the agent until SIGTERM or SIGINT. Raises StorageError where the state directory cannot be used."""
    stop = _stop_signal()
    if config.fallback:
        log.error("config_fallback", version=config.version, why=config.fallback)
    clock = Clock()
    health = Health(clock)
    agent = config.agent.agent
    origin = Origin(agent.tenant, agent.store, agent.id, config.store.zone)
    topics = Topics(agent.tenant, agent.store, agent.id)
    storage_settings = StorageSettings(
        compression="zstd" if config.agent.mqtt.compression == "zstd" else "identity",
        raw_event_hours=config.store.privacy.raw_event_hours,
        capture_days=config.store.privacy.capture_days,
        journals=runtime / "lines" if (runtime := runtime_directory()) else None,
    )
    async with Storage.open(agent.state_dir, origin, clock, health, storage_settings, machine_id()) as storage:
        sync = Sync(storage, topics, health, clock, acknowledge=config.agent.mqtt.acknowledge)
        generations = Generations(config, storage, health, clock)
        sync.on_day_answers.append(lambda *answers, settled: generations.current.answered(*answers, settled=settled))
        uplink = Uplink(settings_of(config.agent), topics, health, clock, lambda: storage.epoch)
        keys = trusted(config.agent.trust)
        shelf = Shelf(agent.state_dir / "config")
        configs = Configs(config, shelf, keys, topics, generations, storage, uplink, health, clock)
        sources = Sources(clock, health, storage, sync, generations, uplink, lambda: configs.reported)
        document = partial(status.health_message, sources)
        box = Box(generations, storage, sync, health, clock, document, lambda: configs.reported, stop.set)
        remote = Remote(topics, configs, Commands(box, keys, topics, agent.state_dir / "outgoing"))
        async with (
            _alongside(storage.run(), _watch_clock(clock, storage)),
            _alongside(uplink.run(partial(_session, sources, topics, remote))),
            serving(config.agent.page, sources, control_socket(agent.state_dir)),
        ):
            # Beside the devices, not before them: on a full disk it waits, and SIGTERM must not.
            started = _record(storage, clock, "started", _started(config, storage))
            async with _alongside(started, generations.run(), remote.run()):
                gc.collect()
                gc.freeze()  # else a full collection walks through all of start-up again: 47 ms without reading
                log.info("agent_started", version=__version__, devices=len(config.store.devices), epoch=storage.epoch)
                await stop.wait()
                configs.postpone()
            log.info("agent_stopping")
            stopping = data.AgentStopping(version=__version__, reason="signal")
            with suppress(TimeoutError):  # a full disk
                async with asyncio.timeout(FLUSH_S):
                    await _record(storage, clock, "stopping", stopping)
            await sync.delivered(within_s=FLUSH_S)


def machine_id() -> str | None:
    """Return this installation's id, hashed: machine-id(5) asks that the id itself never leave the machine."""
    for path in (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id")):
        try:
            text = path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if text:
            return hmac.new(b"edge-agent", text.encode(), hashlib.sha256).hexdigest()
    return None


async def _session(sources: Sources, topics: Topics, remote: Remote, link: Link) -> None:
    """What runs while the broker is connected."""
    async with asyncio.TaskGroup() as session:
        session.create_task(sources.sync.run(link))
        session.create_task(remote.session(link))
        session.create_task(_publish_health(sources, topics, link))


async def _publish_health(sources: Sources, topics: Topics, link: Link) -> None:
    changed = asyncio.Event()
    with sources.health.listening(changed.set):
        while True:
            changed.clear()
            document = await status.health_message(sources)
            await link.publish(topics.health, msgspec.json.encode(document), retain=True)
            try:
                async with asyncio.timeout(HEALTH_EVERY_S):
                    await changed.wait()
                await asyncio.sleep(HEALTH_SETTLE_S)
            except TimeoutError:
                continue


async def _watch_clock(clock: Clock, storage: Storage) -> None:
    while True:
        clock.now()
        tell_suppressed()
        for step in clock.take_steps():
            log.warning("clock_changed", step_ms=step.step_ms)
            changed = data.ClockChanged(bootid=step.at.boot_id, uptime=str(step.at.uptime_ms), step_ms=step.step_ms)
            await _record(storage, clock, "clock_changed", changed)
        await asyncio.sleep(CLOCK_EVERY_S)


async def _record(storage: Storage, clock: Clock, what: str, event: msgspec.Struct) -> None:
    at = clock.now()
    draft = Draft(uuid7(at.wall_ms), Stream.OPS, f"o2o.agent.{what}.v1", at, event)
    await storage.commit(Outcome((draft,)))


def _started(config: Config, storage: Storage) -> data.AgentStarted:
    return data.AgentStarted(version=__version__, config_sha256=config.store_sha256, epoch=storage.epoch)


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


@asynccontextmanager
async def _alongside(*parts: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run the parts while the context lasts, then cancel them; one that fails ends the context with its error."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(part) for part in parts]
        yield
        for task in tasks:
            task.cancel()
