"""The reading side of the reference central service, for tests and the demo: plain functions on its database file."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from edge_agent.contract.messages import UNREADABLE
from edge_agent.contract.topics import Topics
from edge_agent.simulator.central_frames import ORDER_PREFIX, read_sale


class HeldOrder(NamedTuple):
    """The highest revision of an order that central holds. ``payable``: minor units."""

    revision: int
    kind: str
    payable: int | None
    order_no: str | None


class HeldEvent(NamedTuple):
    """One stored event; ``body`` is the CloudEvent's JSON as it came."""

    agent: Topics
    epoch: str
    stream: str
    sequence: int | None
    id: str
    type: str
    body: bytes


class HeldAlarm(NamedTuple):
    """One alarm: what kind, on which topic, at which sequence."""

    kind: str
    topic: str
    sequence: int | None
    detail: str


class Watermark(NamedTuple):
    """One stream of one epoch: everything up to ``upto`` is stored; ``holes`` are missing below the highest stored."""

    upto: int
    holes: int


def events(database: Path, type: str = "") -> list[HeldEvent]:  # noqa: A002  # the attribute's name in CloudEvents
    """Return the stored events whose type begins with ``type``, in order of arrival."""
    query = """SELECT tenant, store, agent.agent, stream.epoch, stream.name, sequence, event.id, type, body
        FROM event JOIN stream ON stream.id = event.stream JOIN agent ON agent.id = stream.agent
        WHERE substr(type, 1, length(?1)) = ?1 ORDER BY arrival"""
    with _open(database) as connection:
        return [HeldEvent(Topics(*row[:3]), *row[3:]) for row in connection.execute(query, (type,))]


def orders(database: Path) -> dict[str, HeldOrder]:
    """Return every order by its id."""
    held: dict[str, HeldOrder] = {}
    for event in events(database, ORDER_PREFIX):
        try:
            sale = read_sale(event.body)
        except UNREADABLE:  # stored, not understood: the alarm says so
            continue
        if sale.order_id not in held or held[sale.order_id].revision <= sale.revision:
            held[sale.order_id] = HeldOrder(sale.revision, sale.kind, sale.payable, sale.order_no)
    return held


def totals(database: Path) -> dict[str, tuple[int, int]]:
    """Return the number of orders and the sum of their payables (minor units) by kind."""
    sums: dict[str, tuple[int, int]] = {}
    for order in orders(database).values():
        count, payable = sums.get(order.kind, (0, 0))
        sums[order.kind] = (count + 1, payable + (order.payable or 0))
    return sums


def alarms(database: Path) -> list[HeldAlarm]:
    """Return every alarm, oldest first."""
    with _open(database) as connection:
        rows = connection.execute("SELECT kind, topic, sequence, detail FROM alarm ORDER BY number")
        return [HeldAlarm(*row) for row in rows]


def watermarks(database: Path) -> dict[tuple[Topics, str, str], Watermark]:
    """Return the watermark of every (agent, epoch, stream)."""
    query = """SELECT tenant, store, agent.agent, stream.epoch, name,
            coalesce(max(last) FILTER (WHERE first = 1), 0), count(first), min(first)
        FROM stream JOIN agent ON agent.id = stream.agent LEFT JOIN received ON received.stream = stream.id
        GROUP BY stream.id"""
    with _open(database) as connection:
        return {
            (Topics(*row[:3]), row[3], row[4]): Watermark(row[5], row[6] - (row[7] == 1 or row[6] == 0))
            for row in connection.execute(query)
        }


def backup(database: Path, to: Path) -> None:
    """Copy the database as it is now, while the service runs; a service restarted on the copy was "restored"."""
    with _open(database) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


@contextmanager
def _open(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
        yield connection
