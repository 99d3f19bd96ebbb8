"""Store to uplink: drain, acknowledge, resend. Central's watermark decides what is delivered."""

import asyncio
import random as _random
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Literal

import msgspec
import structlog

from edge_agent.clock import Clock
from edge_agent.contract.envelope import Refused
from edge_agent.contract.events import Stream
from edge_agent.contract.frames import CONTENT_TYPE, Frame, FrameError
from edge_agent.contract.messages import Ack
from edge_agent.contract.topics import Topics
from edge_agent.errors import AgentError, LinkError
from edge_agent.health import Condition, Health, Level
from edge_agent.log import defect
from edge_agent.storage import FORGETTABLE, Storage
from edge_agent.sync.acks import DayHeard, Meaning, Standing, day_answers, interpret, read_ack
from edge_agent.sync.fit import fit, join, last_event
from edge_agent.sync.pace import Pace
from edge_agent.sync.repeats import Repeats
from edge_agent.sync.window import Sent, Window
from edge_agent.uplink import Link, Message
from edge_agent.uplink.reasons import SUCCESS, code_of, condition

# What is below orders in priority keeps this little on its way to the broker, so that an order never waits behind more.
# 32 KiB take 0.3 s on a line of 1 Mbit/s; over 50 ms of distance they still are 13,000 events a second (49 bytes each).
LOWER_BYTES = 32 * 1024
READ_BYTES = 256 * 1024  # read ahead of what is published: a drain's memory
READ_FRAMES = 1_000  # single orders, joined to a few frames
FIRST_ACK_SECONDS = 0.5  # a retained message follows its SUBACK at once; a broker that has none says nothing
MARK_SECONDS = 5.0
SILENT_SECONDS = 60.0  # a central stores within a second, and restarts within a few: a minute is worth a look
DISK_ANSWERS_S = 1.0  # a disk that takes longer hangs: the status must be told all the same
_PROMISE_MS = 30_000  # a turn of the loop reads a few hundred rows at most

PART = "sync"  # in health: the essential part whose progress is marked here, while there is a connection
CENTRAL = "sync/central"  # in health: head office's service behind the broker
_NOT_CONFIRMED = Condition(
    "not_confirmed", Level.ATTENTION, "the broker takes what is sent, but head office does not say that it has it"
)

log = structlog.get_logger()


class Sync:
    """Carries the outbox to central over one link after the other; one instance for the life of the process.

    ``connected``: a link is being used. ``confirmed_until_ms``: when the newest acknowledged event was recorded (Unix
    milliseconds), None before the first acknowledgement of this process. ``last_ack_ms``: when central last said
    anything of use. ``sent_frames``, ``sent_events``, ``resends``: counted since the process started.
    ``on_day_answers``: called with what central says of business days, as often as it says so. ``on_delivered``: called
    when more has been delivered.
    """

    def __init__(
        self,
        storage: Storage,
        topics: Topics,
        health: Health,
        clock: Clock,
        *,
        acknowledge: Literal["central", "broker"] = "central",
        random: Callable[[], float] = _random.random,
    ) -> None:
        """``acknowledge``: who says that an event is delivered."""
        self.connected = False
        self.confirmed_until_ms: int | None = None
        self._confirmed_before_ms: int | None = None  # 0: the disk does not know
        self.last_ack_ms: int | None = None
        self.sent_frames = self.sent_events = 0
        self.on_day_answers: list[DayHeard] = []
        self.on_delivered: list[Callable[[], None]] = []
        self._storage = storage
        self._topics = topics
        self._health = health
        self._clock = clock
        self._by_broker = acknowledge == "broker"
        self._random = random
        self._windows = {stream: Window(random) for stream in Stream}
        self._repeats = Repeats()
        self._pace = Pace()
        self._acks: deque[bytes] = deque()
        self._asked_for: deque[tuple[Stream, int, int]] = deque()
        self._heard = b""
        self._malformed: list[bytes] = []
        self._wake = asyncio.Event()
        self._moved = asyncio.Event()
        storage.on_recorded.append(self._wake.set)
        storage.on_forgotten.append(self._read_again)

    @property
    def resends(self) -> int:
        """Frames published again for want of an acknowledgement, or because central asked."""
        return sum(window.resends for window in self._windows.values()) + self._repeats.count

    @property
    def is_behind(self) -> bool:
        """Whether something recorded is still to be published; what head office is slow to acknowledge has been."""
        now = self._now()
        windows = self._windows.items()
        return not self.connected or any(w.is_behind(self._storage.last(stream), now) for stream, w in windows)

    async def run(self, link: Link) -> None:
        """Drain the outbox over ``link``, for ever. Raises LinkError when the connection is to be made anew."""
        self._acks.clear()
        await link.subscribe(self._topics.ack, self._on_ack)
        await self._hear_first()
        # Only now: until here nothing was published by this process, and an acknowledgement beyond what an earlier one
        # may have published proves that the disk was rolled back.
        await self._storage.about_to_send()
        for stream, window in self._windows.items():
            window.start(self._storage.watermark(stream))
        self._repeats.start()
        self._pace.start(self._now())
        self.connected = True
        self._health.news()
        try:
            while True:
                self._wake.clear()
                # What head office says may wait for the disk, for as long as that is full: the storage promises for it.
                self._health.rest(PART)
                await self._hear()
                self._health.progress(PART, within_ms=_PROMISE_MS)
                now = self._now()
                await self._publish(link)
                self._judge_silence()
                await self._news_or_due(now)
        finally:
            self.connected = False
            self._health.rest(PART)
            self._health.report(CENTRAL, None)  # without a link its silence says nothing
            self._moved.set()
            # What has no PUBACK yet may have arrived all the same.
            for stream, window in self._windows.items():
                self._storage.published(stream, window.sent_upto)

    async def delivered(self, within_s: float) -> bool:
        """Wait, while connected and at most so long, until nothing waits; return whether that is so."""
        try:
            async with asyncio.timeout(within_s):
                while self.connected and not self._nothing_waits():
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            pass
        return self._nothing_waits()

    async def confirmed_ms(self) -> int | None:
        """Return when the newest event that head office has confirmed was recorded (Unix milliseconds), or None.

        Before the first acknowledgement of this process: what the disk knows of an earlier one's, if it answers.
        """
        if self._confirmed_before_ms is None and self.confirmed_until_ms is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(DISK_ANSWERS_S):
                    self._confirmed_before_ms = max([await self._recorded_at_watermark(stream) for stream in Stream])
        return self.confirmed_until_ms or self._confirmed_before_ms or None

    async def _recorded_at_watermark(self, stream: Stream) -> int:
        upto = self._storage.watermark(stream)
        frames = await self._storage.pending(stream, upto - 1, 1, 1) if upto else []
        return recorded_ms(frames[0]) if frames and frames[0].last == upto else 0  # 0: it is no longer held

    def backlog_seconds(self) -> float | None:
        """Return how long all that waits will take at the pace of the last minute; None while it cannot be told."""
        return self._pace.seconds(self._waiting(), self._now()) if self.connected else None

    def hurry(self) -> None:
        """Publish now what waits, also what was refused and would be tried again later; that at most once a second."""
        for window in self._windows.values():
            window.hurry(self._now())
        self._wake.set()

    async def resend(self, stream: Stream, first: int, last: int) -> int:
        """Send a range again, as where head office says that it needs it; returns how many events that are.

        What of it is no longer held is answered by gap events. Raises Refused ``not_held`` where nothing of it is, or
        where it ends behind the newest event.
        """
        newest = self._storage.last(stream)
        held = await self._storage.pending(stream, first - 1, 1, 1) if first <= last <= newest else []
        if not held or held[0].first > last:
            oldest = await self._storage.pending(stream, 0, 1, 1)
            there = f"{oldest[0].first} .. {newest}" if oldest else "nothing"
            raise Refused("not_held", f"{first} .. {last} of {stream}: there is {there}")
        self._asked_for.append((stream, first, last))
        self._wake.set()
        return last - first + 1

    def _judge_silence(self) -> None:
        now = self._now()
        silent = max(window.unconfirmed(now) for window in self._windows.values()) >= SILENT_SECONDS
        if self._health.report(CENTRAL, _NOT_CONFIRMED if silent else None):
            if silent:
                log.warning("central_silent")
            else:
                log.info("central_answers")

    def _nothing_waits(self) -> bool:
        return self._waiting() == 0

    def _waiting(self) -> int:
        return sum(self._storage.waiting_events(stream) for stream in Stream)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def _news_or_due(self, since: float) -> None:
        """Wait for news, or for the first thing that fell due after ``since``."""
        due = [self._repeats.deadline(since), *(window.deadline(since) for window in self._windows.values())]
        seconds = min((at - self._now() for at in due if at is not None), default=MARK_SECONDS)
        try:
            async with asyncio.timeout(min(max(seconds, 0.0), MARK_SECONDS)):
                await self._wake.wait()
        except TimeoutError:
            pass

    # --- central's word ---

    def _on_ack(self, message: Message) -> None:
        self._acks.append(message.payload)
        self._wake.set()

    async def _hear_first(self) -> None:
        try:
            async with asyncio.timeout(FIRST_ACK_SECONDS):
                while not self._acks:
                    self._wake.clear()
                    await self._wake.wait()
        except TimeoutError:
            return
        await self._hear()

    async def _hear(self) -> None:
        while self._asked_for:
            await self._repeat(*self._asked_for.popleft())
        while self._acks:
            payload = self._acks.popleft()
            if payload == self._heard:
                for window in self._windows.values():
                    window.unchanged(self._now())
                continue
            self._heard = payload
            ack = read_ack(payload)
            if ack is None:
                log.warning("ack_malformed", bytes=len(payload))
            elif ack.epoch == self._storage.epoch:
                await self._take(ack)

    async def _take(self, ack: Ack) -> None:
        """Go by an acknowledgement. One that a defect meets costs itself: retained, it would be met for ever."""
        try:
            await self._obey(interpret(ack, self._standing))
            self._pass_on(ack)
        except AgentError:
            raise
        except Exception as error:  # noqa: BLE001 - see above; the next one says all that this one does
            defect("ack_crashed", error)

    async def _obey(self, meaning: Meaning) -> None:
        if meaning.rolled_back:
            log.warning("rolled_back", epoch=self._storage.epoch)
            await self._storage.begin_epoch("rolled_back")
            self._windows = {stream: Window(self._random) for stream in Stream}  # other numbers from here on
            self._repeats = Repeats()
            self._asked_for.clear()
            raise LinkError("new_epoch", "central holds more than this disk has sent")
        self.last_ack_ms = self._clock.now().wall_ms
        if not self._by_broker:
            for stream, upto in meaning.forward.items():
                self._delivered(stream, upto)
            for stream, upto in meaning.back.items():
                log.warning("rewound", stream=str(stream), watermark=self._storage.watermark(stream), upto=upto)
                await self._storage.rewind(stream, upto)
                self._windows[stream].start(upto)
        for stream, first, last in meaning.need:
            await self._repeat(stream, first, last)

    async def _repeat(self, stream: Stream, first: int, last: int) -> None:
        # What is still to come after the watermark comes anyway, in order. (Before the first drain nothing is loaded.)
        wanted_last = min(last, max(self._windows[stream].loaded, self._storage.watermark(stream)))
        if first <= wanted_last and self._repeats.want(stream, first, wanted_last):
            await self._storage.hold(stream, first, wanted_last)

    def _pass_on(self, ack: Ack) -> None:
        answers, malformed = day_answers(ack)
        if malformed and malformed != self._malformed:  # each acknowledgement repeats them
            log.warning("day_answer_malformed", bytes=len(malformed[0]), count=len(malformed))
        self._malformed = malformed
        orders = self._standing(Stream.ORDERS)
        settled = ack.upto.get(Stream.ORDERS, orders.upto) >= orders.last
        for heard in self.on_day_answers if answers else ():
            heard(answers, settled=settled)

    def _standing(self, stream: Stream) -> Standing:
        storage = self._storage
        sent = max(storage.possibly_sent(stream), self._windows[stream].sent_upto)
        return Standing(storage.watermark(stream), storage.last(stream), sent)

    def _delivered(self, stream: Stream, upto: int) -> None:
        self._storage.published(stream, upto)
        before = self._storage.watermark(stream)
        self._storage.acknowledge(stream, upto)
        self._pace.delivered(self._storage.watermark(stream) - before, self._waiting(), self._now())
        newest = self._windows[stream].acknowledged(upto, self._now())
        if newest is not None:
            self.confirmed_until_ms = max(self.confirmed_until_ms or 0, recorded_ms(newest))
        self._moved.set()
        for listener in self.on_delivered:
            listener()

    # --- sending ---

    async def _publish(self, link: Link) -> None:
        """Publish what may go now, the highest priority first, looking again after each frame."""
        while not self._acks and link.room > 0:
            for stream in Stream:
                if stream is not Stream.ORDERS and not _free(link):
                    return
                if await self._publish_one(link, stream):
                    break
            else:
                return

    async def _publish_one(self, link: Link, stream: Stream) -> bool:
        window = self._windows[stream]
        if window.wants(self._storage.last(stream), self._now()):
            await self._read(link, stream, window)
        sent = window.take(self._now())
        if sent is not None:
            self._send(link, sent.frame, partial(self._answered, stream, sent))
            return True
        frame = await self._repeats.take(stream, self, self._room(link, stream), self._now())
        if frame is not None:
            self._send(link, frame, partial(self._repeated, stream, frame))
        return frame is not None

    async def _read(self, link: Link, stream: Stream, window: Window) -> None:
        after = window.loaded
        frames = await self.pending(stream, after, READ_FRAMES, READ_BYTES)
        room = self._room(link, stream)
        parts = [part for frame in join(frames, room) for part in fit(frame, room)]
        if parts and len(parts[0].body) > room:
            self._refuse(stream, 0x95)
            window.block(self._now())
            return
        whole = next((index for index, part in enumerate(parts) if len(part.body) > room), len(parts))
        window.offer(after, parts[:whole])

    async def pending(self, stream: Stream, after: int, limit: int, max_bytes: int) -> list[Frame]:
        """Read the outbox, as ``Storage.pending`` does: how long that takes is for the storage to promise."""
        self._health.rest(PART)
        try:
            return await self._storage.pending(stream, after, limit, max_bytes)
        finally:
            self._health.progress(PART, within_ms=_PROMISE_MS)

    def _read_again(self) -> None:
        """Let go of frames that were read and may hold what has been forgotten since, gap events in its place."""
        for stream in FORGETTABLE:
            self._windows[stream].start(self._storage.watermark(stream))
            self._repeats.read_again(stream)
        self._wake.set()

    def _room(self, link: Link, stream: Stream) -> int:
        largest = Frame(stream, 1, 2**63 - 1, 1, "identity", b"")
        return link.payload_room(self._topics.up(stream), self._properties(largest), CONTENT_TYPE)

    def _send(self, link: Link, frame: Frame, done: Callable[[int], None]) -> None:
        self.sent_frames += 1
        self.sent_events += frame.count
        properties = self._properties(frame)
        link.send(self._topics.up(frame.stream), frame.body, done, properties=properties, content_type=CONTENT_TYPE)

    def _properties(self, frame: Frame) -> list[tuple[str, str]]:
        return [
            ("epoch", self._storage.epoch),
            ("first", str(frame.first_sequence)),
            ("count", str(frame.count)),
            ("encoding", frame.encoding),
        ]

    def _answered(self, stream: Stream, sent: Sent, code: int) -> None:
        window = self._windows[stream]
        if code == SUCCESS:
            window.accepted(sent)
            self._storage.published(stream, sent.frame.last)
            self._health.report(f"sync/{stream}", None)
            if self._by_broker and (upto := window.accepted_upto()) > window.upto:
                self._delivered(stream, upto)
        else:
            window.refused(sent, code, self._now())
            self._refuse(stream, code)
        self._wake.set()

    def _repeated(self, stream: Stream, frame: Frame, code: int) -> None:
        self._repeats.answered(stream, frame, delivered=code == SUCCESS, now=self._now())
        if code != SUCCESS:
            self._refuse(stream, code)
        self._wake.set()

    def _refuse(self, stream: Stream, code: int) -> None:
        what = condition(code_of(code), f"stream {stream}")
        if self._health.report(f"sync/{stream}", what):
            log.warning("stream_refused", stream=str(stream), reason=what.code)


def _free(link: Link) -> bool:
    return link.outstanding < max(1, link.window // 2) and link.outstanding_bytes < LOWER_BYTES


class _Recorded(msgspec.Struct):
    recordedtime: str


_recorded = msgspec.json.Decoder(_Recorded).decode


def recorded_ms(frame: Frame) -> int:
    """Return when the frame's last event was recorded, in Unix milliseconds; 0 if it does not say."""
    try:
        return round(datetime.fromisoformat(_recorded(last_event(frame)).recordedtime).timestamp() * 1000)
    except (FrameError, ValueError):  # msgspec's errors are ValueErrors
        return 0
