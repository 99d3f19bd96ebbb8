"""Devices and rules together, on a real pty and a real database."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from edge_agent import receipts
from edge_agent.contract.events import CloudEvent, Stream
from edge_agent.contract.frames import decode_events
from edge_agent.devices.line import Position
from edge_agent.errors import StorageError
from edge_agent.storage import Storage
from tests.support.generation import configure, running
from tests.support.pty import Cable
from tests.support.slips import receipt, sale
from tests.support.storage import frames, of, order, until

CUT = b"\x1dV\x42\x00"
POISON = "毒药"


def printed(text: str) -> bytes:
    return b"\x1b@\x1c&" + text.replace("\n", "\r\n").encode("gb18030") + CUT


def number(count: int) -> str:
    return f"20261122{count:06d}"


async def orders(storage: Storage) -> list[tuple[str, dict[str, Any]]]:
    """Return type and data of every event of the orders stream."""
    events: list[CloudEvent] = [
        event for frame in await frames(storage, Stream.ORDERS) for event in decode_events(frame.body, frame.encoding)
    ]
    return [(event.type, msgspec.json.decode(event.data)) for event in events]


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    cable = Cable(tmp_path / "till-1")
    cable.plug()
    yield cable
    cable.close()


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A template that fails on what one slip says."""
    read = receipts.read

    def fails_on_poison(lines: Any, *arguments: Any) -> Any:
        if any(POISON in line for line in lines):
            raise ZeroDivisionError(f"the price of {lines}")
        return read(lines, *arguments)

    monkeypatch.setattr(receipts, "read", fails_on_poison)


@pytest.mark.usefixtures("poisoned")
async def test_a_slip_the_rules_fail_on_stops_no_till(tmp_path: Path, cable: Cable) -> None:
    config = configure(tmp_path)
    with capture_logs() as log:
        async with running(config) as shop:
            # In one write, so that the slips around it are recorded in its transaction.
            poison = printed(f"{POISON}\n会员手机: 13812345678")
            await cable.write(printed(sale(number(1))) + poison + printed(sale(number(2))))
            await until(lambda: shop.storage.last(Stream.ORDERS) == 3)
            device = shop.generation.devices["till-1-printer"]
            assert device.state == "up"
            assert shop.health.conditions() == []
            found = await orders(shop.storage)
            counts = shop.generation.shop.counts(shop.clock.now())
            assert (counts.orders, counts.unparsed) == (2, 1)
    assert [kind for kind, _ in found] == [
        "o2o.order.completed.v1", "o2o.order.unparsed.v1", "o2o.order.completed.v1",
    ]  # fmt: skip
    unparsed = found[1][1]
    assert (unparsed["reason"], unparsed["text"][0]) == ("defect", POISON)
    assert "13812345678" not in str(unparsed)
    assert found[2][1]["checks"]["receipt_number"] == "pass", "the memory of the slip before it is not lost"

    (told,) = [entry for entry in log if entry["event"] == "rules_failed"]
    assert (told["error"], "fails_on_poison" in told["traceback"]) == ("ZeroDivisionError", True)
    assert POISON not in str(told)

    async with running(config) as again:  # a new life does not meet it again
        await cable.write(printed(sale(number(3))))
        await until(lambda: again.storage.last(Stream.ORDERS) == 4)
        kinds = [kind for kind, _ in await orders(again.storage)]
        assert kinds.count("o2o.order.unparsed.v1") == 1


@pytest.mark.usefixtures("poisoned")
async def test_a_kill_while_the_rules_fail_leaves_one_event(tmp_path: Path, cable: Cable) -> None:
    """The poison lies in the journal and not in the database: the next life reads it, and gets over it."""
    config = configure(tmp_path)
    async with running(config, devices=False) as shop:
        journal = shop.storage.journal("till-1-printer")
        journal.start(0)
        journal.append(printed(POISON))
    async with running(config) as shop:
        await cable.write(printed(sale(number(1))))
        await until(lambda: shop.storage.last(Stream.ORDERS) == 2)
        reasons = [data.get("reason") for _, data in await orders(shop.storage)]
        assert reasons == ["defect", None]


async def test_an_order_and_its_line_position_are_recorded_together(tmp_path: Path, cable: Cable) -> None:
    config = configure(tmp_path)
    async with running(config) as shop:
        await cable.write(printed(sale(number(1))) + "半张".encode("gb18030"))
        await until(lambda: shop.storage.last(Stream.ORDERS) == 1)
    async with running(config) as shop:
        await cable.write(b"\n" + printed(sale(number(2))))
        await until(lambda: shop.storage.last(Stream.ORDERS) == 2)
        assert [data["order_no"] for _, data in await orders(shop.storage)] == [number(1), number(2)]
        assert shop.generation.shop.counts(shop.clock.now()).orders == 2


async def test_what_could_not_be_recorded_is_not_remembered(tmp_path: Path) -> None:
    config = configure(tmp_path)
    async with running(config, devices=False) as shop:
        await shop.storage.commit(of(order(1)))
    generation, at = shop.generation, shop.clock.now()
    position = Position("till-1-printer", 400, b"")
    with pytest.raises(StorageError):
        await generation._record(generation.devices["till-1-printer"], [receipt(sale())], at, position)
    assert generation.shop.counts(at).orders == 0
    again = generation.shop.observe("till-1-printer", receipt(sale()), at)
    assert len(again.events) == 1, "the same paper is no duplicate of what was never recorded"


async def test_a_port_that_is_not_there_is_told_by_name(tmp_path: Path) -> None:
    async with running(configure(tmp_path)) as shop:
        await until(lambda: shop.health.conditions() != [])
        (reported,) = shop.health.conditions()
        assert (reported.part, reported.condition.code) == ("device/till-1-printer", "device_missing")
        assert reported.condition.detail.startswith("1号收银小票: ")
        await until(lambda: shop.storage.last(Stream.OPS) > 0)


async def test_what_cannot_be_read_is_counted(tmp_path: Path) -> None:
    store = """
[store]
name = "s"
timezone = "Asia/Shanghai"
currency = "CNY"

[[touchpoint]]
id = "till-1"

[[device]]
id = "export"
kind = "serial"
touchpoint = "till-1"
port = "till-1"
decoder = "lines"
"""
    cable = Cable(tmp_path / "till-1")
    cable.plug()
    try:
        async with running(configure(tmp_path, store=store)) as shop:
            await cable.write(b"what is this\n" + b'{"payable": 1600}\n')
            await until(lambda: shop.storage.last(Stream.ORDERS) == 1)
            assert shop.generation.devices["export"].undecoded == {"not_json": 13}
    finally:
        cable.close()
