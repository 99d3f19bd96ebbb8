"""One generation after another: a config that changes ends the one that runs, and the next takes over its lines."""

import asyncio
import secrets
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

import structlog

from edge_agent import durable
from edge_agent.clock import Clock
from edge_agent.config import Config
from edge_agent.devices.handover import Handover, key_of
from edge_agent.errors import AgentError, StorageError
from edge_agent.generation.generation import Generation
from edge_agent.health import Health
from edge_agent.storage import Storage

log = structlog.get_logger()

_ENDED = "the agent is ending"
SETTLE_S = 2.0  # lines say within milliseconds whether they work; a reader that must be woken takes 3 s


@dataclass(slots=True)
class _Change:
    config: Config
    done: asyncio.Future[None]
    error: AgentError | None = None

    def end(self, error: AgentError | None) -> None:
        """Let whoever asked for it go on, if somebody still waits."""
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)
            self.done.exception()  # marks it as seen: whoever asked may be about to be cancelled


class Generations:
    """The generation that runs, and the change to the next one."""

    def __init__(
        self, config: Config, storage: Storage, health: Health, clock: Clock, *, is_held: bool = False
    ) -> None:
        """``config``: of the first one. Raises StorageError where its hash key cannot be had.

        ``is_held``: no device of this config is run, until ``release``; those of any other config are.
        """
        self._storage = storage
        self._health = health
        self._clock = clock
        self._config = config
        self._held = config if is_held else None
        self._handover = Handover()
        self._current = self._build(config, None)
        self._changes: deque[_Change] = deque()  # the first is being made
        self._asked = asyncio.Event()
        self._has_ended = False

    @property
    def current(self) -> Generation:
        """The generation that runs; during a change, the one that ends or the one that begins."""
        return self._current

    @property
    def config(self) -> Config:
        """What it runs by."""
        return self._config

    async def release(self) -> None:
        """Run the devices of the config, too, that was held back. Raises StorageError as ``change`` does."""
        held, self._held = self._held, None
        if self._config is held:
            await self.change(self._config)

    async def run(self) -> None:
        """Run one generation after another until cancelled."""
        change: _Change | None = None
        try:
            while True:
                async with asyncio.TaskGroup() as group:
                    running = group.create_task(self._current.run())
                    if change is not None:
                        await self._settle(change)
                    change = await self._next()
                    await self._current.quiet(change.config)
                    began = asyncio.get_running_loop().time()
                    self._handover.begin({key_of(settings) for settings in change.config.store.devices})
                    running.cancel()
                await self._turn(change, began)
        finally:
            self._handover.close()
            self._has_ended = True
            for change in self._changes:
                change.end(StorageError(_ENDED))

    async def change(self, config: Config) -> None:
        """End the generation that runs and start the next one; return once its devices have been started.

        Nothing that was said is lost or doubled: lines that are configured alike in both keep their open descriptor or
        socket, with what the kernel holds for it; bytes that no observation has been made of are read again by the next
        decoder. Raises ConfigError, StorageError where the next one cannot be built: then the one before runs again.

        Changes are made one after another; given up before its turn, one is not made, and later it is made to its end.
        """
        if self._has_ended:
            raise StorageError(_ENDED)
        _hash_key(config)  # so that, without it, no till is even asked to pause
        change = _Change(config, asyncio.get_running_loop().create_future())
        self._changes.append(change)
        self._asked.set()
        await change.done

    async def _next(self) -> _Change:
        while True:
            self._asked.clear()
            while self._changes:
                if not self._changes[0].done.done():
                    return self._changes[0]
                self._changes.popleft()
            await self._asked.wait()

    async def _turn(self, change: _Change, began: float) -> None:
        """Put the next generation in the place of the one that has ended."""
        before, config = self._current, change.config
        self._handover.end()
        try:
            await before.complete(config)
            self._current, self._config = self._build(config, before), config
        except AgentError as error:
            change.error = error
            self._current = self._build(self._config, before)
        if change.error is None:
            took_ms = round(1000 * (asyncio.get_running_loop().time() - began))
            log.info("config_changed", version=config.version, sha256=config.store_sha256[:12], duration_ms=took_ms)

    async def _settle(self, change: _Change) -> None:
        """Let the change's caller go on, once the storage goes by the config and the devices have said how they are.

        They run already: a disk that hangs keeps the storage from it, and no till from being read.
        """
        facts = self._config.store
        await self._storage.settle(
            facts.zone, raw_event_hours=facts.privacy.raw_event_hours, capture_days=facts.privacy.capture_days
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                await self._current.started()
        change.end(change.error)

    def _build(self, config: Config, before: Generation | None) -> Generation:
        key, is_held = _hash_key(config), config is self._held
        return Generation(
            config, self._storage, self._health, self._clock, key, self._handover, before, is_held=is_held
        )


def _hash_key(config: Config) -> bytes:
    """Return the tenant's key, or this box's own, made on its first start."""
    key = config.store.privacy.hash_key()
    if key is not None:
        return key
    path = config.agent.agent.state_dir / "hash.key"
    try:
        if not path.exists() or not path.stat().st_size:  # an empty one, a power cut once left: it hides nothing
            durable.write(path, secrets.token_bytes(32))
        return path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}; make the state directory writable for the agent") from error
