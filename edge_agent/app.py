"""The composition root: builds the parts and nests them. Nothing else knows everybody.

Nesting order is shutdown order: devices stop first, then the page and the link, the storage last.
"""

import asyncio
import gc
import hashlib
import hmac
import os
import random
import signal
import traceback
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
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
from edge_agent.errors import AgentError, LinkError, StorageError, cause_of
from edge_agent.generation import Generations
from edge_agent.health import Condition, Health, Level
from edge_agent.log import defect as log_defect
from edge_agent.log import tell_suppressed
from edge_agent.notify import Notifier
from edge_agent.page import status
from edge_agent.page.control import control_socket
from edge_agent.page.server import PART as PAGE
from edge_agent.page.server import serving
from edge_agent.page.sources import Sources
from edge_agent.remote import Remote
from edge_agent.remote.commands.box import Box
from edge_agent.remote.commands.commands import Commands
from edge_agent.remote.configs.configs import Configs
from edge_agent.remote.remote import trusted
from edge_agent.safe_mode import safe_mode
from edge_agent.shop.outcome import Outcome
from edge_agent.sockets import runtime_directory
from edge_agent.starts import FAILED, STOPPED, Starts
from edge_agent.storage import Storage, StorageSettings
from edge_agent.supervisor import supervise
from edge_agent.sync import Sync
from edge_agent.uplink import Link, Uplink
from edge_agent.uplink.settings import settings_of
from edge_agent.watchdog import starting, told, watched

log = structlog.get_logger()

HEALTH_EVERY_S = 300.0  # contract section 3: on change and every 5 minutes
HEALTH_SETTLE_S = 1.0  # changes come in bursts (a hub unplugged is four devices): one message says it
CLOCK_EVERY_S = 1.0  # a step is known within a second, and its event goes out before most that follow
PAGE_S = 5.0  # what the tills wait for the page's address to be tried: milliseconds, unless a name server is asked
FLUSH_S = 2.0  # what a stopping agent waits for the disk and for head office's last word: inside the contract's 10 s


async def run(config: Config) -> None:
    """Run the agent until SIGTERM or SIGINT. Raises StorageError where the state directory cannot be used."""
    stop = _stop_signal()
    if config.fallback:
        log.error("config_fallback", version=config.version, why=config.fallback)
    notifier, clock = Notifier.of(os.environ), Clock()
    health = Health(clock)
    agent = config.agent.agent
    origin = Origin(agent.tenant, agent.store, agent.id, config.store.zone)
    storage_settings = StorageSettings(
        compression="zstd" if config.agent.mqtt.compression == "zstd" else "identity",
        raw_event_hours=config.store.privacy.raw_event_hours,
        capture_days=config.store.privacy.capture_days,
        journals=runtime / "lines" if (runtime := runtime_directory()) else None,
    )
    opening = Storage.open(agent.state_dir, origin, clock, health, storage_settings, machine_id())
    async with _opened(opening, notifier) as storage:
        shelf = Shelf(agent.state_dir / "config")
        starts = Starts(runtime or agent.state_dir)
        if notifier.is_supervised:  # whoever starts it by hand sees for himself
            starts.begin(clock.now(), is_excused=shelf.line().trial is not None)  # that one is rolled back, below
        async with _witnessed(starts, notifier):
            await _run(config, storage, shelf, starts, health, clock, notifier, stop)


async def _run(
    config: Config,
    storage: Storage,
    shelf: Shelf,
    starts: Starts,
    health: Health,
    clock: Clock,
    notifier: Notifier,
    stop: asyncio.Event,
) -> None:
    """Wire the parts, and run them until ``stop`` is set."""
    agent = config.agent.agent
    topics = Topics(agent.tenant, agent.store, agent.id)
    sync = Sync(storage, topics, health, clock, acknowledge=config.agent.mqtt.acknowledge)
    generations = Generations(config, storage, health, clock, is_held=starts.record.is_held)
    sync.on_day_answers.append(lambda *answers, settled: generations.current.answered(*answers, settled=settled))
    uplink = Uplink(settings_of(config.agent), topics, health, clock, lambda: storage.epoch)
    keys = trusted(config.agent.trust)
    configs = Configs(config, shelf, keys, topics, generations, storage, uplink, health, clock)
    sources = Sources(clock, health, storage, sync, generations, uplink, lambda: configs.reported)
    document = partial(status.health_message, sources)
    box = Box(generations, storage, sync, health, clock, document, lambda: configs.reported, stop.set)
    remote = Remote(topics, configs, Commands(box, keys, topics, agent.state_dir / "outgoing"))
    page = partial(serving, config.agent.page, sources, control_socket(agent.state_dir))
    tried = asyncio.Event()
    async with (
        _alongside(storage.run(), _watch_clock(clock, storage)),
        _alongside(_watched(health, notifier, starts), told(health, notifier)),
        _alongside(uplink.run(partial(_session, sources, topics, remote))),
        _alongside(_keep_serving(page, health, tried)),
    ):
        with suppress(TimeoutError):
            async with asyncio.timeout(PAGE_S):
                await tried.wait()
        notifier.ready()
        # Beside the devices, not before them: on a full disk it waits, and SIGTERM must not.
        started = _record(storage, clock, "started", _started(config, storage))
        held = safe_mode(
            generations, starts, lambda: configs.reported.last_known_good, health, clock,
            pause_s=starts.record.pause_s,
        )  # fmt: skip
        async with _alongside(started, generations.run(), remote.run(), held):
            gc.collect()
            gc.freeze()  # else a full collection walks through all of start-up again: 47 ms without reading
            log.info("agent_started", version=__version__, devices=len(config.store.devices), epoch=storage.epoch)
            await stop.wait()
            _stopping(notifier, starts)
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
    """What runs while the broker is connected.

    A defect in it costs the connection, which is made anew after a pause: the tills are read meanwhile. Restarted over
    it, the agent would do without head office all the same, and in the end without its devices.
    """
    publish = partial(_publish_health, sources, topics, link)
    rng = random.Random()  # noqa: S311 - jitter of retries, no secret
    try:
        async with asyncio.TaskGroup() as session:
            session.create_task(sources.sync.run(link))
            session.create_task(remote.session(link))
            session.create_task(supervise("health", publish, on_down=lambda *_: None, rng=rng, through=AgentError))
    except ExceptionGroup as group:
        defects, others = group.split(lambda error: not isinstance(error, (AgentError, ExceptionGroup)))
        if defects is None or (others is not None and others.subgroup(StorageError) is not None):
            raise
        defect = cause_of(defects)
        log_defect("part_crashed", defect, part="link")
        raise LinkError("crashed", type(defect).__name__) from group


async def _keep_serving(
    page: Callable[[], AbstractAsyncContextManager[None]], health: Health, tried: asyncio.Event
) -> None:
    """Serve the page and the control socket, for ever. ``tried``: is set once both listen, or cannot."""

    async def serve() -> None:
        async with page():
            tried.set()
            await asyncio.Event().wait()

    def down(reason: str, detail: str) -> None:
        health.report(PAGE, Condition("page_not_listening", Level.ATTENTION, f"{reason}: {detail}"))
        tried.set()

    rng = random.Random()  # noqa: S311 - jitter of retries, no secret
    await supervise("page", serve, on_down=down, rng=rng)


def _stopping(notifier: Notifier, starts: Starts) -> None:
    notifier.stopping()
    if notifier.is_supervised:
        starts.end(STOPPED)


async def _watched(health: Health, notifier: Notifier, starts: Starts) -> None:
    def stalled(parts: list[str]) -> None:
        log.error("part_stalled", parts=parts)
        starts.say(f"stuck: {', '.join(parts)}")

    await watched(health, notifier, stalled)


@asynccontextmanager
async def _opened(opening: AbstractAsyncContextManager[Storage], notifier: Notifier) -> AsyncIterator[Storage]:
    """Open the storage, which takes long where it must be salvaged or begins a new epoch."""
    async with AsyncExitStack() as stack:
        async with starting(notifier):
            storage = await stack.enter_async_context(opening)
        yield storage


@asynccontextmanager
async def _witnessed(starts: Starts, notifier: Notifier) -> AsyncIterator[None]:
    """Have the ledger know how this run ends, where it ends by itself."""
    try:
        yield
    except Exception as error:
        cause = cause_of(error)
        if not notifier.is_supervised:
            pass
        elif isinstance(cause, AgentError):
            starts.end(FAILED)
        else:
            where = traceback.extract_tb(cause.__traceback__)[-1:]
            starts.say(" ".join([type(cause).__name__, *(f"in {Path(at.filename).name}:{at.lineno}" for at in where)]))
        raise


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
