"""Ranges that central asks for again, from a store that is a list here."""

from edge_agent.contract.events import Stream
from edge_agent.contract.frames import Frame
from edge_agent.sync.repeats import Repeats

ROOM = 10_000
ORDERS = Stream.ORDERS


class Shelf:
    """Frames of ten events each."""

    def __init__(self, last: int) -> None:
        self.last = last

    async def pending(self, stream: Stream, after: int, limit: int, max_bytes: int) -> list[Frame]:
        starts = range(after - after % 10 + 1, self.last + 1, 10)
        return [shelf_frame(start) for start in starts][:limit]


def shelf_frame(first: int) -> Frame:
    body = b"[" + b",".join(b"%d" % number for number in range(first, first + 10)) + b"]"
    return Frame("orders", first, first + 9, 10, "identity", body)


async def taken(repeats: Repeats, now: float = 0.0) -> list[Frame]:
    frames = []
    while (frame := await repeats.take(ORDERS, Shelf(500), ROOM, now)) is not None:
        frames.append(frame)
    return frames


def numbers(frames: list[Frame]) -> list[int]:
    return [int(number) for frame in frames for number in frame.body.strip(b"[]").split(b",")]


async def test_exactly_the_range_however_long() -> None:
    repeats = Repeats()
    assert repeats.want(ORDERS, 5, 217)
    frames = await taken(repeats)
    assert numbers(frames) == list(range(5, 218))
    assert repeats.count == len(frames) == 22


async def test_a_range_on_its_way_is_not_queued_twice() -> None:
    repeats = Repeats()
    assert repeats.want(ORDERS, 5, 7)
    assert not repeats.want(ORDERS, 5, 7)
    (frame,) = await taken(repeats)
    assert not repeats.want(ORDERS, 5, 7)
    repeats.answered(ORDERS, frame, delivered=True, now=0.0)
    assert repeats.want(ORDERS, 5, 7)


async def test_a_repeat_that_nobody_took_waits_a_second() -> None:
    repeats = Repeats()
    repeats.want(ORDERS, 5, 7)
    (frame,) = await taken(repeats)
    repeats.answered(ORDERS, frame, delivered=False, now=3.0)
    assert await taken(repeats, 3.9) == []
    assert repeats.deadline(3.0) == 4.0
    assert numbers(await taken(repeats, 4.0)) == [5, 6, 7]


async def test_a_lost_connection_loses_no_repeat() -> None:
    repeats = Repeats()
    repeats.want(ORDERS, 5, 35)
    first = await repeats.take(ORDERS, Shelf(500), ROOM, 0.0)
    assert first is not None
    repeats.start()
    assert numbers(await taken(repeats)) == list(range(5, 36))
