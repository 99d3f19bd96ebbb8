"""The devices and rules of one config, from the start of its run to the end."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import structlog

from edge_agent import devices
from edge_agent.clock import Clock, Moment
from edge_agent.config import Config
from edge_agent.config.devices import LineSettings
from edge_agent.config.shop import shop_settings
from edge_agent.contract.messages import DayAnswer
from edge_agent.devices.handover import Handover
from edge_agent.devices.line import Position
from edge_agent.devices.relay_start import Relays
from edge_agent.devices.status import DeviceState
from edge_agent.errors import ConfigError, StorageError
from edge_agent.generation import activity, lines, states
from edge_agent.generation.activity import Activity
from edge_agent.generation.answers import Answers
from edge_agent.generation.commits import Commits
from edge_agent.generation.heard import noted
from edge_agent.generation.judging import judge_days, judge_layout, log_defect
from edge_agent.generation.rereading import Rereading
from edge_agent.generation.running_device import STARTING, RunningDevice
from edge_agent.generation.states import States
from edge_agent.health import Health
from edge_agent.observations import Observation, Undecoded
from edge_agent.shop.forgetting import concerns
from edge_agent.shop.outcome import Outcome, Show, Signal, StateChange, combined
from edge_agent.shop.rereading import without_member
from edge_agent.shop.shop import Shop
from edge_agent.storage import Storage
from edge_agent.supervisor import supervise

log = structlog.get_logger()

TICK_S = 1.0  # how late a visit may be noticed as ended: of the 60 s without a sign that it takes at least, 2 %
# What a scanner hears meanwhile waits behind the commit. One takes 5 ms; the shortest leave time-out is 1 s.
HELD_UP_MS = 500
AFTER_DEFECT_MS = 60_000  # a defect that a tick meets is met by the next as well: once a minute in the log is enough
STARTING_MS = 5_000  # what opening takes at most: a PN532 that must be woken twice, 3 s; beyond it, it is news
SCANNERS = frozenset({"ble"})  # kinds whose silence means that nobody is here, while they work
# A commit writes 10 KB (measured): 288 a day are 3 MB of wear, as much as 300 orders; a kill costs the bars of the
# devices 5 minutes of their half hours. What is written anyway when a device fails or comes back takes them along.
ACTIVITY_EVERY_S = 300.0
FLUSH_S = 1.0  # what a generation that ends waits for them on a full disk: figures, no orders


class Generation:
    """The devices and rules of one config."""

    def __init__(
        self,
        config: Config,
        storage: Storage,
        health: Health,
        clock: Clock,
        key: bytes,
        handover: Handover,
        before: "Generation | None" = None,
        *,
        is_held: bool = False,
    ) -> None:
        """``key``: the tenant's, for hashes and redaction. ``handover``: of open lines, between generations.

        ``is_held``: no device is run and nothing is read again; what head office says is worked on all the same.

        ``before``: the one whose place this one takes. Devices that are configured alike in both go on as they were.
        """
        self.is_held = is_held
        self._storage = storage
        self._handover = handover
        self._relays = Relays.of(config.agent.agent.state_dir, config.agent_file)
        self._relayed = _relayed(config)
        self._health = health
        self._clock = clock
        self.shop = Shop(shop_settings(config), key, storage.state)
        ids = [settings.id for settings in config.store.devices]
        self._activity = Activity(storage.state(activity.PART), ids)
        at = clock.now()
        self.devices = {s.id: RunningDevice(s, at, self._activity) for s in config.store.devices}
        self._rng = random.Random()  # noqa: S311 - jitter of retries, no secret
        self._commits = Commits(self.shop, storage, clock, self._let_be_seen)
        captured = {d.id: d for d in config.store.devices if isinstance(d, LineSettings)}
        self._rereading = Rereading(captured, self.shop, storage, clock, self._commits.commit)
        self._started = asyncio.Event()  # every device works or has failed
        self._states = States(health)
        self._answers = Answers(self.shop, self._commits, health, clock)
        if before is not None:
            self._follow(before)

    def _follow(self, before: "Generation") -> None:
        """Go on where the generation before has ended."""
        for id_, was in before.devices.items():
            running = self.devices.get(id_)
            if running is None:
                states.forget(id_, self._health)
            elif lines.is_same(running.settings, was.settings):
                read_by, was_read_by = self.shop.read_by.get(id_), before.shop.read_by.get(id_)
                running.follow(was, is_read_alike=read_by == was_read_by)
        for draft in before._states.untold.left():  # noqa: SLF001 - one of its own kind
            self._states.untold.put(draft)
        for said in before._answers.waiting.left():  # noqa: SLF001
            self._answers.waiting.put(said)

    async def run(self) -> None:
        """Run every device until cancelled; a device that fails is run again and never takes another one down."""
        async with asyncio.TaskGroup() as recording:
            recording.create_task(self._record_changes())
            recording.create_task(self._record_activity())
            recording.create_task(self._answers.run())
            try:
                await self._run()
            except asyncio.CancelledError:
                with suppress(TimeoutError, StorageError):
                    async with asyncio.timeout(FLUSH_S):
                        await self._flush()
                raise

    async def _flush(self) -> None:
        """Have recorded what waits; on a full disk the next generation takes it over."""
        await self._states.untold.all_recorded()
        await self._answers.waiting.all_recorded()
        await self._commits.commit(Outcome(state=self._activity_rows()))

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tick())
            group.create_task(self._relays.end_others(self._relayed))
            if self.is_held:
                self._hold_back()
                return
            group.create_task(supervise("rereading", self._read_again, on_down=lambda *_: None, rng=self._rng))
            self._look_whether_started()
            for running in self.devices.values():
                judge_layout(running.settings, self.shop, self._health)
                group.create_task(self._keep_running(running))

    def _hold_back(self) -> None:
        at = self._clock.now()
        for id_, running in self.devices.items():
            running.hold_back(at)
            states.forget(id_, self._health)
        self._started.set()
        self._health.news()

    async def started(self) -> None:
        """Wait until every device works or has failed."""
        await self._started.wait()

    def _look_whether_started(self) -> None:
        if all(other.told.is_set() for other in self.devices.values()):
            self._started.set()

    async def _keep_running(self, running: RunningDevice) -> None:
        """Run a device, and a fresh one in its place each time that somebody asks for it."""
        while True:
            running.asked_anew.clear()
            running.device = None
            run, down = partial(self._run_device, running), partial(self._down, running)
            async with asyncio.TaskGroup() as group:
                kept = group.create_task(supervise(running.settings.id, run, on_down=down, rng=self._rng))
                await running.asked_anew.wait()
                kept.cancel()

    async def _run_device(self, running: RunningDevice) -> None:
        """Run a device, made where there is none: a defect in its making is one of that device alone."""
        if running.device is None:
            running.device = self._create(running)
        await running.device.run(partial(self._record, running))

    def _down(self, running: RunningDevice, reason: str, detail: str) -> None:
        if running.device is not None:
            running.device.status.down(reason, detail)
        else:
            self._report(running, DeviceState("down", reason, detail))

    async def restart(self, device: str) -> None:
        """Close a device and open it anew; return once it has said whether it works, or after ``STARTING_MS``.

        Raises ConfigError: there is no such device, or none is run.
        """
        running = self._known(device)
        if self.is_held:
            raise ConfigError(f"{device} is not run: the box is in safe mode; restart the agent to have it tried")
        log.info("device_restarted", device=device)
        running.begin_anew(self._clock.now())
        self._health.news()
        with suppress(TimeoutError):
            async with asyncio.timeout(STARTING_MS / 1000):
                await running.told.wait()

    def show(self, device: str, rows: Sequence[str], seconds: float) -> None:
        """Show text on a display for a while, unless the register has something to say.

        Raises ConfigError: there is no such device, or it is no display that may be driven.
        """
        running = self._known(device)
        if not (isinstance(running.device, devices.Showing) and getattr(running.settings, "drive", False)):
            driven = [id_ for id_, other in self.devices.items() if getattr(other.settings, "drive", False)]
            there = f"driven are {', '.join(driven)}" if driven else "none of this store is driven"
            raise ConfigError(f"{device} is not a display that may be driven (drive = true); {there}")
        running.device.show(rows, seconds)

    async def quiet(self, next_: Config) -> None:
        """Have the lines that the next config reads otherwise read no more, each between two receipts if it can be.

        Relays that the next config does not want have ended then, and these devices have taken all of their copies.
        """
        await lines.quiet(lines.reopened(self.devices.values(), next_))
        await self._relays.end_others(_relayed(next_))

    async def complete(self, next_: Config) -> None:
        """Make the best of what the lines have left unfinished that the next config reads otherwise, or not at all.

        To be called when this generation has ended. Raises StorageError. On a full disk it gives up: what is left
        lies in the journals, by the names of the lines. What somebody else has had these rules do is durable then.
        """
        ending = lines.ending(self.devices.values(), next_)
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                await lines.complete(ending, self._storage, self._clock, lambda running: partial(self._record, running))
                await self._commits.landed()

    def _known(self, device: str) -> RunningDevice:
        if device not in self.devices:
            raise ConfigError(f"there is no device {device!r}; there is {', '.join(self.devices) or 'none'}")
        return self.devices[device]

    async def forget_member(self, member: str) -> int:
        """Forget everything held about a member, here and in events kept or waiting; returns how many events went.

        ``member``: as the members dataset names them, else the token they are known by. Raises StorageError.
        """
        identities = self.shop.people.identities_of(member)
        async with self._rereading.paused():
            await self._commits.commit(combined((self.shop.forget(member), self._rereading.forget(member))))
            forget_captured = partial(without_member, member=member)
            return await self._storage.forget(lambda body: concerns(body, member, identities), forget_captured)

    async def pause_presence(self) -> None:
        """Pause presence for an hour; it goes on by itself. Raises StorageError."""
        await self._commits.commit(self.shop.people.pause(self._clock.now()))
        self._health.news()

    async def resume_presence(self) -> None:
        """End the pause of presence. Raises StorageError."""
        await self._commits.commit(self.shop.people.go_on(self._clock.now()))
        self._health.news()

    def _create(self, running: RunningDevice) -> devices.Device:
        settings = running.settings
        return devices.create(
            settings,
            lines.new_decoder,
            clock=self._clock,
            report=partial(self._report, running),
            keep=partial(lines.keep, self._storage, settings),
            relays=self._relays,
            handover=self._handover,
        )

    async def _record(
        self, running: RunningDevice, observations: Sequence[Observation], at: Moment, position: Position | None = None
    ) -> None:
        """Make observations and the line's position durable, both or neither. Raises StorageError."""
        outcomes = [self._observe(running.settings.id, observation, at) for observation in observations]
        if position is not None:
            outcomes.append(Outcome(state=(lines.recorded(running.settings, position),)))
        running.recording_ms = self._clock.now().uptime_ms
        try:
            await self._commits.commit(combined(outcomes))
        finally:
            running.recording_ms = None
        understood = len(observations)
        for observation in observations:
            if isinstance(observation, Undecoded):
                running.undecoded[observation.reason] += len(observation.data)
                understood -= 1
        self._activity.said(running.settings.id, understood, at)
        for observation, outcome in zip(observations, outcomes, strict=False):  # the last outcome may be the position's
            running.heard.update(noted(observation, outcome))
            for listen in running.listeners:
                listen(observation, outcome, at)
        judge_layout(running.settings, self.shop, self._health)

    async def _read_again(self) -> None:
        """Read captures again that other templates have read, once every device works or has failed."""
        await self._started.wait()
        await self._rereading.run(self.shop.read_by)

    def _let_be_seen(self, effect: Signal | Show) -> None:
        running = self.devices.get(effect.device)
        device = running.device if running is not None else None
        match effect:
            case Signal():
                if not effect.accepted:
                    log.warning("tap_refused", device=effect.device, reason=effect.reason)
                if isinstance(device, devices.Signalling):
                    device.signal(accepted=effect.accepted)
            case Show():
                if isinstance(device, devices.Showing):
                    device.show(effect.rows, effect.seconds)

    def answered(self, answers: Sequence[DayAnswer], *, settled: bool) -> None:
        """Take head office's word on business days; it is recorded when the disk takes it.

        ``settled``: head office had everything recorded here.
        """
        self._answers.waiting.put((answers, settled))

    async def _tick(self) -> None:
        """Look after the devices, then have the rules look at the clock."""
        defect_ms = -AFTER_DEFECT_MS
        while True:
            await asyncio.sleep(TICK_S)
            at = self._clock.now()
            for running in self.devices.values():
                self._listen(running, at)
                self._expect(running, at)
            if at.uptime_ms - defect_ms < AFTER_DEFECT_MS:
                continue
            try:
                outcome = self.shop.tick(at)
            except Exception as error:  # noqa: BLE001 - a defect in presence must not stop the tills
                log_defect("tick", error)
                self._commits.restore()
                defect_ms = at.uptime_ms
            else:
                await self._commits.commit(outcome)
                judge_days(self.shop.proof, self._health, at)

    def _observe(self, device: str, observation: Observation, at: Moment) -> Outcome:
        """Return what the rules say. A defect in them costs this one slip its meaning, never the till its line.

        Raised, it would have the device run again and meet the same bytes for ever.
        """
        try:
            return self.shop.observe(device, observation, at)
        except Exception as error:  # noqa: BLE001 - see above
            log_defect(device, error)
            return self.shop.defect(device, observation, at)

    def _expect(self, running: RunningDevice, at: Moment) -> None:
        """Say so if a device has not even failed for a while: a start that hangs must not look like a good day."""
        if not running.told.is_set() and at.uptime_ms - running.began.uptime_ms >= STARTING_MS:
            self._report(running, DeviceState("down", "not_started", "it has not said yet whether it works"))

    def _report(self, running: RunningDevice, state: DeviceState) -> None:
        """Take a device's change of state to health, and to head office as an event."""
        at = self._clock.now()
        running.told.set()
        self._look_whether_started()
        if running.goes_on_as(state):
            self._states.repeat(running.settings, state)
            return
        if state.state == "up" and running.reason != STARTING:
            log.info("device_up", device=running.settings.id)
        running.state, running.reason, running.detail, running.since = state.state, state.reason, state.detail, at
        self._activity.state(running.settings.id, works=state.state != "down", at=at)
        self._listen(running, at)
        self._states.tell(running.settings, state, at)

    def _listen(self, running: RunningDevice, at: Moment) -> None:
        """Tell the rules whether a scanner is listened to: not while its radio is dead or a full disk holds it up."""
        if running.settings.kind in SCANNERS:
            since_ms = running.recording_ms
            held_up = since_ms is not None and at.uptime_ms - since_ms >= HELD_UP_MS
            healthy = running.state != "down" and not held_up
            self.shop.people.health(running.settings.id, healthy=healthy, at=at)

    async def _record_changes(self) -> None:
        while True:
            changed = await self._states.untold.first()
            await self._storage.commit(Outcome((changed,), self._activity_rows()))
            self._states.untold.recorded(changed)

    async def _record_activity(self) -> None:
        while True:
            await asyncio.sleep(ACTIVITY_EVERY_S)
            await self._commits.commit(Outcome(state=self._activity_rows()))

    def _activity_rows(self) -> tuple[StateChange, ...]:
        at = self._clock.now()
        for running in self.devices.values():
            running.seen(at)
        return self._activity.changes(at)


def _relayed(config: Config) -> set[str]:
    """Return the devices that pass through a relay."""
    return {settings.id for settings in config.store.devices if getattr(settings, "passthrough", None) is not None}
