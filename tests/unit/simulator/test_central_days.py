"""What head office answers to a day's proof, on a real file."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge_agent.contract import data
from edge_agent.contract.events import Draft, Stream, envelope
from edge_agent.contract.ids import uuid7
from edge_agent.contract.messages import DayAnswer
from edge_agent.contract.topics import Topics
from edge_agent.simulator import central_reading as reading
from edge_agent.simulator.central_days import LATEST, MAX_ENTRIES
from edge_agent.simulator.central_frames import Message
from edge_agent.simulator.central_store import CentralStore
from tests.support import golden
from tests.support.central import message
from tests.support.defects import plant
from tests.support.orders import order_event, order_events
from tests.support.proof import TODAY, digest

AGENT = Topics("acme", "sh-0001", "pc-1")
Send = Callable[..., list[tuple[str, str, bool]]]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "central.db"


@pytest.fixture
def store(database: Path) -> Iterator[CentralStore]:
    store = CentralStore(database)
    yield store
    store.close()


def frame(*events: dict[str, Any], epoch: str = "e1") -> Message:
    return message(AGENT, "orders", epoch, events)


def line(number: int, revision: int = 1) -> str:
    return f"00000000-0000-0000-0000-{number:012x}:{revision}:sale:{number}"


def proof(sequence: int, lines: list[str], day: str = TODAY, **changes: object) -> dict[str, Any]:
    """Return the proof of a day whose lines these are."""
    what = golden.DATA["o2o.day.closed.v1"]
    assert isinstance(what, data.DayClosed)
    closed = msgspec.structs.replace(what, business_day=day, digest=digest(lines), **changes)
    draft = Draft(uuid7(sequence), Stream.ORDERS, "o2o.day.closed.v1", golden.HAPPENED, closed, subject="day")
    decoded: dict[str, Any] = msgspec.json.decode(
        msgspec.json.encode(envelope(draft, golden.ORIGIN, sequence, golden.RECORDED))
    )
    return decoded


def answers(store: CentralStore) -> list[DayAnswer]:
    return [msgspec.json.decode(raw, type=DayAnswer) for raw in store.ack(AGENT).day]


def test_a_proof_that_agrees_is_answered_with_the_digest_alone(store: CentralStore, database: Path) -> None:
    lines = [line(1), line(2, revision=2), line(3)]
    events = [*order_events(1, 3), order_event(4, order=2, revision=2), order_event(5, order=2), proof(6, lines)]
    batch = store.store([frame(*events)], 0)
    assert answers(store) == [DayAnswer(business_day=TODAY, workstation="03", digest=digest(lines))]
    assert b"entries" not in bytes(store.ack(AGENT).day[0])
    assert [(day.workstation, day.agrees) for _, day in batch.days] == [("03", True)]
    assert reading.alarms(database) == []


def test_where_it_differs_it_says_what_it_holds_and_alarms(store: CentralStore, database: Path) -> None:
    store.store([frame(*order_events(1, 3)), frame(proof(4, [line(1), line(2)]))], 0)
    held = [line(1), line(2), line(3)]
    assert answers(store) == [DayAnswer(business_day=TODAY, workstation="03", digest=digest(held), entries=held)]
    (alarm,) = reading.alarms(database)
    assert (alarm.kind, alarm.sequence) == ("day_differs", 4)


def test_a_proof_waits_for_what_came_before_it(store: CentralStore) -> None:
    lines = [line(1), line(2)]
    store.store([frame(order_event(1)), frame(proof(3, lines))], 0)
    assert answers(store) == []
    store.store([frame(order_event(2))], 0)
    assert [one.digest for one in answers(store)] == [digest(lines)]


def test_a_proof_that_waited_across_an_epoch_is_answered_in_the_new_one(store: CentralStore) -> None:
    lines = [line(1), line(2)]
    waiting = proof(3, lines)
    store.store([frame(order_event(1)), frame(waiting)], 0)
    again = [order_event(1), order_event(2), waiting]
    store.store([frame(*again, epoch="e2")], 0)
    assert [one.digest for one in answers(store)] == [digest(lines)]


def test_what_is_sold_later_leaves_an_answer_alone_until_the_next_proof(store: CentralStore) -> None:
    store.store([frame(order_event(1), proof(2, [line(1)]))], 0)
    store.store([frame(order_event(3))], 0)
    assert [one.digest for one in answers(store)] == [digest([line(1)])]
    store.store([frame(proof(4, [line(1), line(3)]))], 0)
    assert [one.digest for one in answers(store)] == [digest([line(1), line(3)])]


@pytest.mark.parametrize("defect", ["missing", "altered", "revision", "doubled"])
def test_a_planted_defect_is_in_the_entries_and_what_is_put_right_agrees(
    store: CentralStore, database: Path, defect: str
) -> None:
    store.store([frame(*order_events(1, 3))], 0)
    with sqlite3.connect(database) as connection:
        books = connection.execute("SELECT * FROM book").fetchall()
    plant(database, defect, "000002")
    lines = [line(1), line(2), line(3)]
    store.store([frame(proof(4, lines))], 0)
    (answer,) = answers(store)
    assert answer.entries is not None
    assert {line(1), line(3)} <= set(answer.entries)
    assert answer.digest == digest(answer.entries) != digest(lines)
    with sqlite3.connect(database) as connection:
        connection.execute("DELETE FROM book")
        connection.executemany("INSERT INTO book VALUES (?, ?, ?, ?, ?, ?, ?)", books)
    restarted = CentralStore(database)
    assert [one.entries for one in answers(restarted)] == [None]
    restarted.close()


def test_a_lost_order_that_comes_after_all_heals_the_day(store: CentralStore) -> None:
    store.store([frame(order_event(1), proof(2, [line(1), line(7)]))], 0)
    assert answers(store)[0].entries == [line(1)]
    batch = store.store([frame(order_event(3, order=7))], 0)
    assert answers(store)[0].entries is None
    assert [day.agrees for _, day in batch.days] == [True]


def test_a_workstation_without_a_name_is_its_touchpoint(store: CentralStore) -> None:
    event = order_event(1)
    event["data"]["attribution"]["workstation"] = None
    store.store([frame(event, proof(2, [line(1)], workstation="till-1"))], 0)
    assert [(one.workstation, one.entries) for one in answers(store)] == [("till-1", None)]


def test_the_acknowledgement_stays_small(store: CentralStore) -> None:
    for number in range(1, LATEST + 6):
        store.store([frame(proof(number, [], day=f"2026-10-{number:02}"))], number * 3_600_000)
    assert [one.business_day for one in answers(store)] == [f"2026-10-{n:02}" for n in range(LATEST + 5, 5, -1)]
    burst = [proof(LATEST + 5 + number, [], day=f"2026-11-{number:02}") for number in range(1, LATEST + 6)]
    store.store([frame(*burst)], 100 * 3_600_000)
    assert len(answers(store)) == LATEST + 5


def test_entries_beyond_what_an_acknowledgement_bears_are_left_out(store: CentralStore) -> None:
    for first in range(1, MAX_ENTRIES + 2, 200):
        store.store([frame(*order_events(first, first + 199))], 0)
    store.store([frame(proof(MAX_ENTRIES + 201, []))], 0)
    assert [one.entries for one in answers(store)] == [None]
