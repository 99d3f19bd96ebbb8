"""What becomes of a push that took the line: validated, staged, on trial, and for good or back again."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from edge_agent.clock import Clock
from edge_agent.config import Config
from edge_agent.config.shelf import Line, Shelf
from edge_agent.contract.envelope import Refused
from edge_agent.contract.events import iso_time
from edge_agent.contract.ids import uuid7
from edge_agent.contract.remote import ConfigId
from edge_agent.errors import AgentError, StorageError
from edge_agent.generation import Generations
from edge_agent.health import Health
from edge_agent.log import defect
from edge_agent.remote.configs import moves, telling, worse
from edge_agent.remote.configs.checking import Push, kept, validated
from edge_agent.remote.configs.hang import HangWatch
from edge_agent.remote.configs.record import Record
from edge_agent.remote.configs.telling import Events, Reports, Word
from edge_agent.remote.configs.trial import Trial
from edge_agent.shop.outcome import Outcome, StateChange
from edge_agent.storage import Storage
from edge_agent.uplink import Uplink

log = structlog.get_logger()

COMMIT_S = 10.0  # a disk that does not take one row within it is one that cannot commit

_SHORT = frozenset({"disk_full", "disk_low"})  # the storage's conditions: its reserve is being used, or soon will be


@dataclass(frozen=True, slots=True)
class _Staged:
    push: Push
    config: Config


class Way:
    """The line of versions, and the one push on it that is on its way. Only one task may call it."""

    def __init__(
        self,
        config: Config,
        shelf: Shelf,
        topic: str,
        generations: Generations,
        storage: Storage,
        uplink: Uplink,
        health: Health,
        clock: Clock,
    ) -> None:
        """``config``: the last known good, by which the first generation runs. ``topic``: of the reports."""
        self._generations = generations
        self._storage = storage
        self._uplink = uplink
        self._health = health
        self._clock = clock
        self._good = self._ran = config
        self._good_id = self._ran_id = _id(config)
        self._record = Record(shelf)
        self._hang = HangWatch(shelf.folder)
        self._events = Events(storage, clock)
        self.reports = Reports(topic, self._running, lambda: self._good_id)
        self._staged: _Staged | None = None
        self._trial: Trial | None = None
        self._before: Mapping[str, worse.Seen] | None = None  # the devices while the last known good ran
        self._after_death(self._hang.left())
        self.reports.say(Word.of(self.line))
        self._events.tell(self.line, self._good_id.version)

    @property
    def line(self) -> Line:
        """Where the line stands."""
        return self._record.line

    @property
    def lacks_payload(self) -> bool:
        """Tell whether the push on the line should be on its way, or run, and cannot: its bytes have been damaged."""
        lost = self.line.phase == "committed" and self.line.sha256 != self._good_id.sha256
        return lost or (self.line.phase in moves.PENDING and self._staged is None)

    @property
    def is_busy(self) -> bool:
        """Tell whether ``step`` has something to do soon."""
        return self._staged is not None

    @property
    def is_short(self) -> bool:
        """Tell whether there is no room for a push: what is left on the disk is for orders."""
        return any(one.condition.code in _SHORT for one in self._health.conditions())

    def now(self) -> str:
        """Return the time, as is reported: ISO 8601, of the store's zone."""
        return iso_time(self._clock.now().wall_ms, self._good.store.zone)

    async def run(self) -> None:
        """Watch for hangs and record decisions, until cancelled. Raises StorageError."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hang.run())
            group.create_task(self._events.run())

    async def resume(self) -> None:
        """Go on with what the process before had not finished."""
        if self.line.phase not in moves.PENDING:
            return
        payload = await self._record.payload()
        if payload is None:
            return
        try:
            push = kept(payload, self.line.key_id)
        except Exception:  # noqa: BLE001 - another version of the agent took it; head office's copy is looked at as any that arrives
            log.warning("config_payload_unreadable", version=self.line.version)
        else:
            await self._take(push)

    async def take(self, push: Push) -> None:
        """Have a push take the line, and go with it as far as staged. Whatever is on trial is superseded.

        Where it cannot be kept nothing changes; it may be taken again.
        """
        self._say("received", push)
        self._say("verified", push)
        if self.is_short:
            self._say("rolled_back", push, "storage_failed", "the disk is full: delete files on it")
        else:
            await self._take(push)

    async def step(self) -> None:
        """Do what is due: begin a trial, judge it, catch up with the shelf."""
        if self._record.behind:
            await self._record.settle(self.line)
        if self._trial is not None:
            await self._judge(self._trial)
        elif self._staged is not None:
            await self._begin(self._staged)
        self._health.report(telling.PART, telling.condition(self.line, self._clock.now().wall_ms))
        self._health.report(f"{telling.PART}/fallback", telling.fallback(self._good))

    def postpone(self) -> None:
        """Have the next process begin a trial anew, and write nothing any more."""
        self._hang.end()
        self._record.close(moves.postponed)

    def _after_death(self, hung: str | None) -> None:
        """Roll back what the process before has not survived."""
        died_of = moves.death(self.line, hung)
        if died_of is not None:
            self._record.settle_now(moves.decided(self.line, "rolled_back", self._event_id(), self.now(), *died_of))
            telling.log_word(Word.of(self.line), self.line.key_id)

    async def _take(self, push: Push) -> None:
        taken = moves.taken(self.line, push.id, push.key_id, self.now())
        try:
            await self._record.write(taken, push.payload)
        except StorageError as error:  # nothing has changed; whatever is on trial goes on
            self._say("rolled_back", push, "storage_failed", str(error))
            return
        self._trial = self._staged = None
        try:
            config = await self._validated(push)
        except Refused as refused:
            await self._decide("rejected", refused.code, refused.detail)
            return
        try:
            await self._record.write(moves.staged(taken, self.now()))
        except StorageError as error:
            await self._give_up(push, error)
            return
        self._staged = _Staged(push, config)
        self._say_line()

    async def _validated(self, push: Push) -> Config:
        self._hang.begin(push.trial_s)
        try:
            return await asyncio.to_thread(validated, self._good, push)
        except (AgentError, Refused):
            raise
        except Exception as error:
            defect("push_crashed", error, version=push.id.version)
            raise Refused("crashed", f"{type(error).__name__} while it was checked; see the box's log") from error
        finally:
            self._hang.end()

    async def _begin(self, staged: _Staged) -> None:
        """Begin the trial, once there is a link to be judged by and every device has said whether it works."""
        if not self._uplink.connected:
            await self._go_back()  # what this one has superseded must not run on meanwhile
            return
        if self._before is None:
            devices = worse.seen(self._generations.current)
            if worse.starting(devices):
                return
            self._before = devices
        push = staged.push
        try:
            await self._record.write(moves.begun(self.line, self._clock.boot_id, self.now()))
        except StorageError as error:
            await self._give_up(push, error)
            return
        self._hang.begin(push.trial_s)
        try:
            with self._hang.impatient():
                await self._generations.change(staged.config)
        except AgentError as error:
            code = "storage_failed" if isinstance(error, StorageError) else "device_failed"
            await self._decide("rolled_back", code, str(error))
            return
        self._trial = Trial(self._before, push.trial_s, self._clock.read_uptime_ms())
        self._say_line()

    async def _judge(self, trial: Trial) -> None:
        assert self._staged is not None
        devices = worse.seen(self._generations.current)
        verdict = trial.judged(devices, self._clock.read_uptime_ms(), connected=self._uplink.connected)
        if verdict is None:
            return
        if verdict.code:
            await self._decide("rolled_back", verdict.code, verdict.detail)
        else:
            await self._commit(self._staged)

    async def _commit(self, staged: _Staged) -> None:
        push = staged.push
        if not await self._storage_commits(push):
            await self._decide(
                "rolled_back", "storage_failed", f"the disk did not take one row within {COMMIT_S:.0f} s"
            )
            return
        try:
            await self._record.write(moves.committed(self.line, self._event_id(), self.now()))
        except StorageError as error:
            await self._decide("rolled_back", "storage_failed", str(error))
            return
        self._good, self._good_id = staged.config, push.id
        self._over()

    async def _storage_commits(self, push: Push) -> bool:
        row = StateChange(telling.PART, "trial", push.id.sha256.encode())
        try:
            async with asyncio.timeout(COMMIT_S):
                await self._storage.commit(Outcome(state=(row,)))
        except (TimeoutError, StorageError):
            return False
        return True

    async def _decide(self, phase: str, code: str, detail: str) -> None:
        """Go back to the last known good, the tills first; then say why."""
        await self._go_back()
        await self._record.settle(moves.decided(self.line, phase, self._event_id(), self.now(), code, detail))
        self._over()

    async def _give_up(self, push: Push, error: StorageError) -> None:
        """Go back where the shelf cannot be written: delivered again, the push is tried again."""
        await self._go_back()
        self._trial = self._staged = self._before = None
        self._say("rolled_back", push, "storage_failed", str(error))

    async def _go_back(self) -> None:
        if self._generations.config is not self._good:
            self._hang.begin(0)
            with self._hang.impatient():
                await self._generations.change(self._good)
        self._hang.end()

    def _over(self) -> None:
        self._hang.end()
        self._trial = self._staged = self._before = None
        self._say_line()
        self._events.tell(self.line, self._running().version)
        self._health.news()

    def _say_line(self) -> None:
        word = Word.of(self.line)
        telling.log_word(word, self.line.key_id)
        self.reports.say(word)

    def _say(self, phase: str, push: Push, code: str | None = None, detail: str | None = None) -> None:
        word = Word(push.id.version, phase, code, detail, self.now())
        telling.log_word(word, push.key_id)
        self.reports.say(word)

    def _running(self) -> ConfigId:
        config = self._generations.config
        if config is not self._ran:
            self._ran, self._ran_id = config, _id(config)
        return self._ran_id

    def _event_id(self) -> str:
        return uuid7(self._clock.now().wall_ms)


def _id(config: Config) -> ConfigId:
    return ConfigId(config.version, config.store_sha256)
