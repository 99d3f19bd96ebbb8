"""A storage to test with: real SQLite in a real directory, a shop's events, and a reader of its frames."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from edge_agent.clock import Clock, Moment, TimeQuality
from edge_agent.contract import data
from edge_agent.contract.events import CloudEvent, Draft, Origin, Stream
from edge_agent.contract.frames import Frame, decode_events
from edge_agent.contract.ids import uuid7
from edge_agent.health import Health
from edge_agent.shop.outcome import Capture, Outcome, StateChange
from edge_agent.storage import Storage, StorageSettings
from tests.support.disk import take_all

ORIGIN = Origin("acme", "sh-0001", "pc-1", ZoneInfo("Asia/Shanghai"))
AT = Moment(1_795_343_465_120, 86_400_123, "6f2f1c1e-0000-4000-8000-000000000001", TimeQuality.SYNCED)

_FULL_S = 1.5  # a commit takes milliseconds; one that finds no room tries again every second

GOODS = (
    "农夫山泉550ml",
    "可口可乐330ml",
    "乐事薯片原味75g",
    "蒙牛纯牛奶250ml",
    "康师傅红烧牛肉面",
    "双汇火腿肠",
    "卫龙辣条",
    "德芙巧克力43g",
)


class SetClock(Clock):
    """A clock whose wall time and quality a test sets; uptime is the machine's own."""

    def __init__(self, wall_ms: int | None = None) -> None:
        super().__init__(quality=lambda: True)
        self.wall_ms = wall_ms
        self.trusted = True

    def now(self) -> Moment:
        real = super().now()
        quality = TimeQuality.SYNCED if self.trusted else TimeQuality.UNSYNCED
        return Moment(real.wall_ms if self.wall_ms is None else self.wall_ms, real.uptime_ms, real.boot_id, quality)


class HurriedClock(SetClock):
    """A clock on which more time can have passed, of what promises are kept by."""

    def __init__(self) -> None:
        super().__init__()
        self.passed_ms = 0

    def read_awake_ms(self) -> int:
        return super().read_awake_ms() + self.passed_ms


def order(number: int, at: Moment = AT, lines: int = 6, seed: int = 0) -> Draft:
    """Return a sale as a till makes it: ``lines`` goods, paid in cash; ids and figures vary with ``number``."""
    rng = random.Random(number * 1_000_003 + seed)
    goods = tuple(
        data.Line(number=n, name=rng.choice(GOODS), amount=price * 2, quantity="2", unit_price=price)
        for n, price in ((n, rng.randrange(100, 9_900)) for n in range(1, lines + 1))
    )
    payable = sum(line.amount for line in goods)
    order_id = uuid7(at.wall_ms)
    return Draft(
        id=uuid7(at.wall_ms), stream=Stream.ORDERS, type="o2o.order.completed.v1", at=at,
        device="till-1-printer", subject=f"order/{order_id}", partitionkey="sh-0001/till-1",
        data=data.Order(
            order_id=order_id, order_no=f"20261122{number:06d}", revision=1, kind="sale", mode="in_store",
            journey=(data.Hop(end="store", touchpoint="till-1", at="2026-11-22T10:31:05.120+08:00"),),
            source=data.Source(system="register", device="till-1-printer", order_no=f"20261122{number:06d}"),
            channel=data.Channel(id="in_store", owner="acme"),
            attribution=data.Attribution(store="sh-0001", touchpoint="till-1", workstation="03", cashier="王芳"),
            business_day="2026-11-22", completed_at="2026-11-22T10:31:05+08:00", printed_at="2026-11-22T10:31:05",
            currency="CNY", lines=goods,
            totals=data.Totals(payable=payable, gross=payable, tendered=payable, change=0),
            tenders=(data.Tender(number=1, type="cash", label="现金", amount=payable, entry="cash"),),
            states=data.States(order="completed", payment="paid", fulfilment="handed_over", after_sale="none"),
            checks=data.Checks(lines="pass", tenders="pass", receipt_number="pass"),
            evidence=data.Evidence(decoder="escpos", template="zh-retail@1", capture_sha256=rng.randbytes(32).hex()),
        ),
    )  # fmt: skip


def small(stream: Stream, number: int, at: Moment = AT) -> Draft:
    """Return a small event for any stream."""
    told = data.CodePresented(code=f"{number:012d}", touchpoint="till-1", occurred_at="2026-11-22T10:31:05+08:00")
    return Draft(
        id=uuid7(at.wall_ms), stream=stream, type="o2o.code.presented.v1", at=at, data=told, device="counter-nfc",
        subject=f"code/{number}", partitionkey="sh-0001/till-1",
    )  # fmt: skip


def of(*events: Draft, state: Sequence[StateChange] = (), captures: Sequence[Capture] = ()) -> Outcome:
    """Return an outcome."""
    return Outcome(events, tuple(state), tuple(captures))


@asynccontextmanager
async def running(
    state_dir: Path,
    *,
    clock: Clock | None = None,
    health: Health | None = None,
    settings: StorageSettings | None = None,
    machine_id: str | None = None,
) -> AsyncIterator[Storage]:
    """Open a storage and run its writer; it is closed at the end."""
    clock = clock or Clock(quality=lambda: True)
    health = health or Health(clock)
    async with (
        Storage.open(state_dir, ORIGIN, clock, health, settings or StorageSettings(), machine_id) as storage,
        asyncio.TaskGroup() as tasks,
    ):
        writer = tasks.create_task(storage.run())
        yield storage
        writer.cancel()


async def fill(folder: Path, storage: Storage) -> None:
    """Take all there is, the reserve and what room the log has left inside as well: no commit comes to its end now."""
    written = 0
    while True:
        take_all(folder)
        written += 1
        try:
            async with asyncio.timeout(_FULL_S):
                await storage.commit(of(state=[StateChange("filler", str(written % 8), random.randbytes(4096))]))
        except TimeoutError:
            return


async def until(true: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something has become true; give up, loudly, after ``seconds``."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


@dataclass(frozen=True, slots=True)
class Held:
    """What a reader finds for a range of sequences: an event's id, or the reason of the gap that stands for them."""

    first: int
    last: int
    id: str
    gap: str | None


async def frames(storage: Storage, stream: Stream, after: int = 0) -> list[Frame]:
    """Read every frame above ``after`` as sync does, in small portions."""
    found: list[Frame] = []
    while portion := await storage.pending(stream, after, 16, 256 * 1024):
        found.extend(portion)
        after = portion[-1].last
    return found


async def held(storage: Storage, stream: Stream, after: int | None = None) -> list[Held]:
    """Return what is held above ``after`` (default: the watermark), checked for holes and order."""
    after = storage.watermark(stream) if after is None else after
    found: list[Held] = []
    for frame in await frames(storage, stream, after):
        events = decode_events(frame.body, frame.encoding)
        assert len(events) == frame.count
        assert frame.stream == stream
        assert [int(event.sequence) for event in events] == list(range(frame.first_sequence, frame.last + 1))
        found.extend(_held(frame, event) for event in events)
    expected = after + 1
    for item in found:
        assert item.first <= expected or item is found[0], f"a hole before {item}, expected {expected}"
        assert item.last >= expected or item.last <= after, f"{item} comes twice"
        expected = item.last + 1
    assert not found or found[-1].last == storage.last(stream), "the newest is missing"
    return [item for item in found if item.last > after]


def _held(frame: Frame, event: CloudEvent) -> Held:
    sequence = int(event.sequence)
    if event.type != "o2o.agent.gap.v1":
        return Held(sequence, sequence, event.id, None)
    gap = msgspec.json.decode(event.data, type=data.Gap)
    assert (gap.first, gap.last, gap.last) == (frame.first, frame.last, sequence)
    return Held(gap.first, gap.last, event.id, gap.reason)


async def told(storage: Storage, event_type: str) -> list[CloudEvent]:
    """Return the events of a type on the ops stream, delivered ones too."""
    return [
        event
        for frame in await frames(storage, Stream.OPS)
        for event in decode_events(frame.body, frame.encoding)
        if event.type == event_type
    ]


async def captured(storage: Storage) -> list[str]:
    """Wait until there are captures; return their names. They follow the order, in a commit of their own."""
    async with asyncio.timeout(20):
        while not (names := await storage.captures()):
            await asyncio.sleep(0.01)
    return names
