import asyncio
from collections.abc import Callable

import pytest

from edge_agent.clock import Clock
from edge_agent.devices.line import ROOM, SILENT, Line, Start
from edge_agent.devices.line_status import LineStatus
from edge_agent.errors import StorageError
from tests.support import virtual_time
from tests.support.devices import LineDecoder, MemoryJournal, Recorder

IDLE_END = 2.0


class Tap:
    """A source that the test turns."""

    def __init__(self) -> None:
        self.ended = False
        self.resumed = 0

    def resume(self) -> None:
        self.resumed += 1


def new(journal: MemoryJournal | None = None, start: Start | None = None) -> Line:
    status = LineStatus(lambda state: None, Clock(), rate=960)
    return Line("till-1", LineDecoder(), status, idle_end=IDLE_END, journal=journal or MemoryJournal(), start=start)


async def running(line: Line, emit: Recorder, tap: Tap, act: Callable[[], object]) -> None:
    """Run a line while the test acts, then end its source."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(line.run(emit, tap))
        await asyncio.sleep(0)
        act()
        await asyncio.sleep(0.1)
        tap.ended = True
        line.wake()
        await task


async def test_bytes_become_observations_and_a_position() -> None:
    line, emit = new(), Recorder()
    await running(line, emit, Tap(), lambda: [line.receive(data) for data in (b"on", b"e\ntwo\nthr", b"ee\nfo")])
    assert emit.codes == ["one", "two", "three"]
    assert emit.positions[-1].consumed == len(b"one\ntwo\nthree\n")


async def test_the_journal_holds_exactly_what_is_not_recorded() -> None:
    journal = MemoryJournal()
    line, emit = new(journal), Recorder()
    await running(line, emit, Tap(), lambda: line.receive(b"one\ntwo\nthr"))
    assert (journal.begin, journal.kept) == (8, b"thr")


async def test_a_new_life_goes_on_where_the_last_one_was_recorded() -> None:
    journal, emit = MemoryJournal(), Recorder()
    line = new(journal)
    await running(line, emit, Tap(), lambda: line.receive(b"#gbk\none\ntw"))
    recorded = emit.positions[-1]
    start = Start(recorded.consumed, recorded.modes, journal.kept)
    line, emit = new(journal, start), Recorder()
    await running(line, emit, Tap(), lambda: line.receive(b"o\n"))
    assert [(scan.code, scan.fields) for scan in emit.observations] == [("two", {"mode": "gbk"})]  # type: ignore[union-attr]  # scans only
    assert emit.positions[-1].consumed == len(b"#gbk\none\ntwo\n")
    assert (journal.begin, journal.kept) == (13, b"")


def test_silence_ends_what_is_unfinished_once() -> None:
    async def main() -> None:
        line, emit, tap = new(), Recorder(), Tap()
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(line.run(emit, tap))
            await asyncio.sleep(0)
            line.receive(b"no end")
            await asyncio.sleep(IDLE_END * 0.9)
            line.receive(b" yet")
            await asyncio.sleep(IDLE_END * 0.9)
            assert emit.codes == []
            await asyncio.sleep(IDLE_END * 0.2)
            assert emit.codes == ["no end yet"]
            await asyncio.sleep(IDLE_END * 100)
            tap.ended = True
            line.wake()
            await task
        assert emit.codes == ["no end yet"]

    virtual_time.run(main())


def test_silence_ends_what_is_unfinished_while_the_source_is_gone() -> None:
    async def main() -> None:
        line, emit = new(start=Start(replay=b"one\nno end")), Recorder()
        await line.catch_up(emit)
        assert emit.codes == ["one"]
        await asyncio.sleep(IDLE_END / 2)
        await line.catch_up(emit)
        assert emit.codes == ["one"]
        await asyncio.sleep(IDLE_END)
        await line.catch_up(emit)
        await line.catch_up(emit)
        assert emit.codes == ["one", "no end"]

    virtual_time.run(main())


async def test_what_emit_refused_is_handed_over_again() -> None:
    journal = MemoryJournal()
    line, emit = new(journal), Recorder()
    emit.fail = StorageError("no room")
    line.receive(b"one\ntwo\n")
    with pytest.raises(StorageError):
        await line.run(emit, Tap())
    assert journal.kept == b"one\ntwo\n"
    emit.fail = None
    await running(line, emit, Tap(), lambda: line.receive(b"three\n"))
    assert emit.codes == ["one", "two", "three"]
    assert journal.kept == b""


async def test_a_slow_commit_holds_the_source_at_the_limit_and_loses_nothing() -> None:
    line, emit, tap = new(), Recorder(), Tap()
    emit.gate.clear()
    record = b"a" * 1023 + b"\n"
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(line.run(emit, tap))
        await asyncio.sleep(0)
        line.receive(record)
        await asyncio.sleep(0)  # the commit of the first record is under way now
        taken = 1
        while line.receive(record):
            taken += 1
        assert taken * len(record) == ROOM
        assert tap.resumed == 0
        emit.gate.set()
        await emit.until(lambda: len(emit.codes) == taken + 1)
        assert tap.resumed == 1
        tap.ended = True
        line.wake()
        await task


async def test_bytes_that_say_nothing_still_leave_the_journal() -> None:
    journal = MemoryJournal()
    line, emit = new(journal), Recorder()
    await running(line, emit, Tap(), lambda: [line.receive(b"\n" * 100) for _ in range(100)])
    assert emit.observations == []
    assert len(journal.kept) < SILENT


async def test_all_that_arrived_is_handed_over_when_the_source_ends() -> None:
    line, emit, tap = new(), Recorder(), Tap()
    line.receive(b"one\ntwo\n" * 5000)
    tap.ended = True
    await line.run(emit, tap)
    assert len(emit.codes) == 10_000


async def test_a_line_that_never_pauses_leaves_the_loop_to_others() -> None:
    line, emit, tap = new(), Recorder(), Tap()
    turns = 0

    async def other() -> None:
        nonlocal turns
        while not tap.ended:
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(other())
        line.receive(b"x\n" * ROOM)
        task = tasks.create_task(line.run(emit, tap))
        await emit.until(lambda: len(emit.codes) == ROOM)
        tap.ended = True
        line.wake()
        await task
    assert turns >= 2 * ROOM // (16 * 1024)


async def test_what_is_concluded_leaves_nothing_to_whoever_comes_next() -> None:
    """Silent bytes as well: they are a handful, and in another language they might mean something."""
    journal = MemoryJournal()
    journal.append(b"one\n\ntwo")
    line, emit = new(journal, Start(replay=journal.kept)), Recorder()
    await line.conclude(emit)
    assert emit.codes == ["one", "two"]
    assert (emit.positions[-1].consumed, journal.kept) == (8, b"")
    journal.append(b"\n\n")
    await new(journal, Start(8, replay=journal.kept)).conclude(emit)
    assert (emit.codes, emit.positions[-1].consumed, journal.kept) == (["one", "two"], 10, b"")
