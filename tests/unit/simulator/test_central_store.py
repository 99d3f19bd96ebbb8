"""The reference central's promises, on a real file."""

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.contract.topics import Topics
from edge_agent.simulator import central_reading as reading
from edge_agent.simulator.central_frames import Message
from edge_agent.simulator.central_store import CentralStore
from tests.support.central import message
from tests.support.orders import gap_event, order_event, order_events

AGENT = Topics("acme", "sh-0001", "pc-1")
OTHER = Topics("acme", "sh-0002", "pc-1")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "central.db"


@pytest.fixture
def store(database: Path) -> Iterator[CentralStore]:
    store = CentralStore(database)
    yield store
    store.close()


def orders_of(first: int, last: int, epoch: str = "e1", agent: Topics = AGENT) -> Message:
    return message(agent, "orders", epoch, order_events(first, last))


def test_events_are_stored_once_and_the_watermark_follows(store: CentralStore, database: Path) -> None:
    frame = orders_of(1, 3)
    assert [news.event.sequence for news in store.store([frame], 0).news] == [1, 2, 3]
    again = store.store([frame, orders_of(4, 4)], 0)
    assert [news.event.sequence for news in again.news] == [4]
    assert list(again.touched) == [AGENT]
    assert store.ack(AGENT).upto == {"orders": 4}
    assert reading.totals(database) == {"sale": (4, 10)}
    assert reading.alarms(database) == []


def test_a_known_frame_alone_is_acknowledged_again(store: CentralStore) -> None:
    frame = orders_of(1, 3)
    store.store([frame], 0)
    batch = store.store([frame], 0)
    assert (batch.news, list(batch.touched)) == ([], [AGENT])


def test_bodies_are_kept_byte_for_byte(store: CentralStore, database: Path) -> None:
    body = b'[ {"id" :"x", "type":"o2o.novel.v9","sequence":"1", "data":{"z":1.50,"a":"\\u4e2d"}} ]'
    store.store([Message(AGENT.up("ops"), {"epoch": "e1", "first": "1"}, body)], 0)
    (event,) = reading.events(database)
    assert event.body == body[2:-2]
    assert (event.type, event.agent, event.epoch, event.stream, event.sequence) == (
        "o2o.novel.v9",
        AGENT,
        "e1",
        "ops",
        1,
    )
    assert store.ack(AGENT).upto == {"ops": 1}


def test_the_same_sequence_with_another_id_is_stored_and_alarmed(store: CentralStore, database: Path) -> None:
    store.store([orders_of(1, 3)], 0)
    impostor = order_event(2, order=77, id="another")
    batch = store.store([message(AGENT, "orders", "e1", [impostor])], 0)
    assert [alarm.kind for alarm in batch.alarms] == ["sequence_reused"]
    assert [(alarm.kind, alarm.topic, alarm.sequence) for alarm in reading.alarms(database)] == [
        ("sequence_reused", AGENT.up("orders"), 2)
    ]
    assert reading.totals(database) == {"sale": (4, 83)}


def test_the_same_sequence_twice_in_one_batch_is_alarmed(store: CentralStore) -> None:
    frames = [message(AGENT, "orders", "e1", [order_event(1, id=name)]) for name in ("a", "b")]
    assert [alarm.sequence for alarm in store.store(frames, 0).alarms] == [1]


def test_another_epoch_begins_anew_and_keeps_what_is_known(store: CentralStore, database: Path) -> None:
    known = order_events(1, 3)
    store.store([message(AGENT, "orders", "e1", known)], 0)
    salvaged = [event | {"sequence": str(number)} for number, event in enumerate(known[1:], start=1)]
    batch = store.store([message(AGENT, "orders", "e2", salvaged)], 0)
    assert batch.news == []
    assert batch.alarms == []
    ack = store.ack(AGENT)
    assert (ack.epoch, ack.upto) == ("e2", {"orders": 2})
    assert {key[1]: mark.upto for key, mark in reading.watermarks(database).items()} == {"e1": 3, "e2": 2}


def test_a_gap_counts_as_received_and_is_no_reuse(store: CentralStore) -> None:
    store.store([orders_of(1, 3)], 0)
    batch = store.store([message(AGENT, "orders", "e1", [gap_event(2, 9)]), orders_of(10, 10)], 0)
    assert batch.alarms == []
    assert store.ack(AGENT).upto == {"orders": 10}


def test_an_event_that_comes_after_its_gap_is_no_reuse(store: CentralStore) -> None:
    store.store([message(AGENT, "orders", "e1", [gap_event(1, 3)])], 0)
    assert store.store([orders_of(1, 3)], 0).alarms == []


def test_holes_are_known_and_close(store: CentralStore, database: Path) -> None:
    store.store([orders_of(3, 4), orders_of(7, 9)], 0)
    assert store.ack(AGENT).upto == {"orders": 0}
    assert store.holes(AGENT) == {"orders": [(1, 2), (5, 6)]}
    assert reading.watermarks(database)[AGENT, "e1", "orders"] == (0, 2)
    store.store([orders_of(1, 6)], 0)
    assert store.ack(AGENT).upto == {"orders": 9}
    assert store.holes(AGENT) == {}
    assert reading.watermarks(database)[AGENT, "e1", "orders"] == (9, 0)


def test_a_bad_frame_is_kept_aside_alarmed_once_and_not_acknowledged(store: CentralStore, database: Path) -> None:
    bad = Message(AGENT.up("orders"), {"epoch": "e1", "first": "1", "encoding": "zstd"}, b"rubbish")
    batch = store.store([bad, orders_of(1, 1, agent=OTHER), bad], 0)
    assert [alarm.kind for alarm in batch.alarms] == ["bad_frame"]
    assert list(batch.touched) == [OTHER]
    assert store.store([bad], 0).alarms == []
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT body FROM bad_frame").fetchall() == [(b"rubbish",)]
    connection.close()
    assert len(reading.alarms(database)) == 1


def test_what_is_not_understood_is_stored_alarmed_and_acknowledged(store: CentralStore, database: Path) -> None:
    odd = order_event(1) | {"data": {"an order": "of a later age"}}
    batch = store.store([message(AGENT, "orders", "e1", [odd, order_event(2)])], 0)
    assert [alarm.kind for alarm in batch.alarms] == ["not_understood"]
    assert store.ack(AGENT).upto == {"orders": 2}
    assert len(reading.events(database)) == 2
    assert reading.totals(database) == {"sale": (1, 2)}


def test_the_highest_revision_counts(store: CentralStore, database: Path) -> None:
    events = [order_event(1, order=5), order_event(2, order=5, revision=3), order_event(3, order=5, revision=2)]
    store.store([message(AGENT, "orders", "e1", events)], 0)
    (order,) = reading.orders(database).values()
    assert order == (3, "sale", 5, "000005")


def test_agents_streams_and_tenants_do_not_mix(store: CentralStore) -> None:
    store.store([orders_of(1, 2), orders_of(1, 1, agent=OTHER), message(AGENT, "ops", "e1", order_events(1, 5))], 0)
    assert store.ack(AGENT).upto == {"orders": 2, "ops": 5}
    assert store.ack(OTHER).upto == {"orders": 1}


@pytest.mark.parametrize("seed", range(5))
def test_any_order_of_arrival_gives_the_same_end(store: CentralStore, database: Path, seed: int) -> None:
    rng = random.Random(seed)
    frames = [orders_of(first, first + 4) for first in range(1, 101, 5)]
    arrivals = rng.sample(frames, len(frames)) + rng.choices(frames, k=10)
    while arrivals:
        size = rng.randint(1, 6)
        store.store(arrivals[:size], 0)
        del arrivals[:size]
    assert store.ack(AGENT).upto == {"orders": 100}
    assert reading.totals(database) == {"sale": (100, 5050)}
    assert reading.alarms(database) == []


def test_a_restart_remembers(store: CentralStore, database: Path) -> None:
    store.store([orders_of(1, 3), orders_of(6, 7), orders_of(1, 1, agent=OTHER)], 0)
    acks = {agent: store.ack(agent) for agent in store.agents()}
    store.close()
    again = CentralStore(database)
    assert {agent: again.ack(agent) for agent in again.agents()} == acks
    assert again.holes(AGENT) == {"orders": [(4, 5)]}
    again.close()


def test_a_failed_commit_leaves_nothing_behind(store: CentralStore, database: Path) -> None:
    store.store([orders_of(1, 3)], 0)
    with sqlite3.connect(database) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON event BEGIN SELECT RAISE(FAIL, 'full'); END")
    with pytest.raises(sqlite3.Error, match="full"):
        store.store([orders_of(4, 6), orders_of(1, 1, agent=OTHER)], 0)
    assert store.agents() == [AGENT]
    assert store.ack(AGENT).upto == {"orders": 3}
    with other:
        other.execute("DROP TRIGGER full")
    other.close()
    store.store([orders_of(4, 6)], 0)
    assert store.ack(AGENT).upto == {"orders": 6}


def test_a_backup_is_the_past(store: CentralStore, database: Path, tmp_path: Path) -> None:
    store.store([orders_of(1, 3)], 0)
    reading.backup(database, tmp_path / "backup.db")
    store.store([orders_of(4, 9)], 0)
    old = CentralStore(tmp_path / "backup.db")
    assert old.ack(AGENT).upto == {"orders": 3}
    old.close()


def test_what_it_never_saw_can_be_met(store: CentralStore) -> None:
    store.store([orders_of(1, 3)], 0)
    assert not store.meet(AGENT, "e1", ["orders"])
    assert store.meet(AGENT, "e1", ["orders", "ops"])
    assert store.ack(AGENT).upto == {"orders": 3, "ops": 0}
    assert store.meet(AGENT, "e2", ["orders", "ops"])
    assert (store.ack(AGENT).epoch, store.ack(AGENT).upto) == ("e2", {"orders": 0, "ops": 0})
