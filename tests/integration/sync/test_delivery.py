"""The outbox over a real broker to a real central: everything arrives, in order, whatever breaks on the way."""

import asyncio
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from edge_agent.contract.events import Stream
from edge_agent.contract.frames import CONTENT_TYPE, decode_events
from edge_agent.contract.messages import Ack, encode
from edge_agent.simulator import central_reading as reading
from edge_agent.simulator.broker import Broker, BrokerOptions
from tests.support.agent import TOPICS, agent
from tests.support.broker import Listener, needs_mosquitto, until
from tests.support.central import CentralProcess
from tests.support.proxy import Mode, proxied

# EDGE_AGENT_SEEDS=200 tries many; a failing one is named by its test.
SEEDS = range(1, 1 + int(os.environ.get("EDGE_AGENT_SEEDS", "2")))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    needs_mosquitto()
    with Broker(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def central(tmp_path: Path, broker: Broker) -> Iterator[CentralProcess]:
    with CentralProcess(tmp_path, broker.port, "--quiet") as central:
        yield central


def held(central: CentralProcess, stream: Stream) -> list[str]:
    """Ids in order of arrival."""
    return [event.id for event in reading.events(central.database) if event.stream == stream]


def sequences(listener: Listener, stream: Stream) -> list[int]:
    """What was published of a stream, event by event, repeats included."""
    frames = [seen for seen in listener.seen if seen.topic == TOPICS.up(stream)]
    return [int(event.sequence) for seen in frames for event in decode_events(seen.payload, seen.user["encoding"])]


def ack(epoch: str, **more: object) -> bytes:
    return encode(Ack(epoch=epoch, **more))  # type: ignore[arg-type]  # test shorthand


async def test_everything_recorded_is_confirmed_in_order(
    tmp_path: Path, broker: Broker, central: CentralProcess
) -> None:
    async with agent(tmp_path / "state", broker.port) as box:
        ids = [await box.record(Stream.ORDERS, 3) for _ in range(40)]
        others = await box.record(Stream.CHECKINS, 500)
        await box.delivered()
        assert box.codes() == {}
        assert box.sync.confirmed_until_ms is not None
        assert abs(box.sync.confirmed_until_ms - box.clock.now().wall_ms) < 60_000
        assert await box.sync.delivered(within_s=1)
    assert held(central, Stream.ORDERS) == [one for some in ids for one in some]
    assert held(central, Stream.CHECKINS) == others
    assert reading.alarms(central.database) == []


async def test_a_frame_says_what_the_contract_wants(tmp_path: Path, broker: Broker, central: CentralProcess) -> None:
    with Listener(broker.port, f"{TOPICS.root}/up/#") as listener:
        async with agent(tmp_path / "state", broker.port) as box:
            await box.record(Stream.ORDERS, 7)
            await box.delivered()
            await box.record(Stream.ORDERS, 2)
            await box.delivered()
            epoch = box.storage.epoch
        await until(lambda: len(listener.seen) == 2)
    first, second = listener.seen
    assert first.content_type == CONTENT_TYPE
    assert first.user == {"epoch": epoch, "first": "1", "count": "7", "encoding": "zstd"}
    assert second.user["first"] == "8"
    assert [e.sequence for e in decode_events(second.payload, "zstd")] == ["8", "9"]


async def test_nobody_listens_then_central_comes(tmp_path: Path, broker: Broker) -> None:
    async with agent(tmp_path / "state", broker.port) as box:
        ids = await box.record(Stream.ORDERS, 1)
        ids += await box.record(Stream.ORDERS, 1)
        await until(lambda: box.codes().get("sync/orders") == "no_subscribers")
        sent = box.sync.sent_frames
        assert sent <= 2  # the first alone is tried
        with CentralProcess(tmp_path, broker.port, "--quiet") as central:
            await box.delivered()
            assert held(central, Stream.ORDERS) == ids
        assert box.codes() == {}


async def test_a_central_that_says_nothing_is_told_until_it_answers(
    tmp_path: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.sync.sync.SILENT_SECONDS", 0.1)
    monkeypatch.setattr("edge_agent.sync.sync.MARK_SECONDS", 0.1)
    with Listener(broker.port, f"{TOPICS.root}/up/#"):  # it takes frames, as a central with a full disk does
        async with agent(tmp_path / "state", broker.port) as box:
            await box.record(Stream.ORDERS, 1)
            await until(lambda: box.codes() == {"sync/central": "not_confirmed"})
            with Listener(broker.port, TOPICS.ack) as answer:
                answer.publish(TOPICS.ack, ack(box.storage.epoch, upto={"orders": 1}))
                await until(lambda: box.codes() == {})


async def test_a_lossy_line_loses_and_reorders_nothing(tmp_path: Path, broker: Broker, central: CentralProcess) -> None:
    async with proxied(broker.port) as proxy, agent(tmp_path / "state", proxy.port) as box:
        ids: list[str] = []
        for round_ in range(6):
            for _ in range(10):
                ids += await box.record(Stream.ORDERS, 2)
            if round_ % 2:
                proxy.mode = Mode.SWALLOW  # half-open: what is written now is gone
                ids += await box.record(Stream.ORDERS, 2)
                await asyncio.sleep(0.02)
                proxy.cut()
                proxy.mode = Mode.FORWARD
        await box.delivered()
        assert proxy.connections >= 3
    assert held(central, Stream.ORDERS) == ids


@pytest.mark.parametrize("keep_memory", [True, False])
async def test_a_broker_restart_loses_nothing(
    tmp_path: Path, broker: Broker, central: CentralProcess, keep_memory: bool
) -> None:
    async with agent(tmp_path / "state", broker.port) as box:
        ids = []
        for _ in range(30):
            ids += await box.record(Stream.ORDERS, 1)
        await asyncio.to_thread(broker.restart, keep_memory=keep_memory)
        for _ in range(30):
            ids += await box.record(Stream.ORDERS, 1)
        await box.delivered()
    assert held(central, Stream.ORDERS) == ids


async def test_a_central_restored_from_a_backup_gets_everything_again(
    tmp_path: Path, broker: Broker, central: CentralProcess
) -> None:
    async with agent(tmp_path / "state", broker.port) as box:
        ids = await box.record(Stream.ORDERS, 5)
        await box.delivered()
        central.stop()
        backup = tmp_path / "backup.db"
        shutil.copy(central.database, backup)
        central.start()
        ids += await box.record(Stream.ORDERS, 5)
        await box.delivered()
        central.restart(backup)
        await until(lambda: held(central, Stream.ORDERS) == ids)
        await box.delivered()


async def test_an_acknowledgement_from_the_future_begins_a_new_epoch(
    tmp_path: Path, broker: Broker, central: CentralProcess
) -> None:
    state = tmp_path / "state"
    async with agent(state, broker.port) as box:
        first = await box.record(Stream.ORDERS, 5)
        await box.delivered()
        old_epoch = box.storage.epoch
    image = tmp_path / "image"
    shutil.copytree(state, image)
    async with agent(state, broker.port) as box:
        second = await box.record(Stream.ORDERS, 5)
        await box.delivered()
    async with agent(image, broker.port, connected=False) as box:
        third = await box.record(Stream.ORDERS, 7)  # takes the numbers that central knows as others
    async with agent(image, broker.port) as box:
        await until(lambda: box.storage.epoch != old_epoch)
        await box.delivered()
    assert held(central, Stream.ORDERS) == [*first, *second, *third]
    assert [e.type for e in reading.events(central.database, "o2o.agent.recovered")] == ["o2o.agent.recovered.v1"]
    assert reading.alarms(central.database) == []


async def test_what_central_needs_is_sent_once_a_message(tmp_path: Path, broker: Broker) -> None:
    with Listener(broker.port, f"{TOPICS.root}/up/#") as listener:
        async with agent(tmp_path / "state", broker.port) as box:
            await box.record(Stream.ORDERS, 10)
            await box.record(Stream.ORDERS, 10)
            await until(lambda: len(sequences(listener, Stream.ORDERS)) == 20)
            done = ack(box.storage.epoch, upto={"orders": 20})
            listener.publish(TOPICS.ack, done)
            await box.delivered()
            need = ack(box.storage.epoch, upto={"orders": 20}, need={"orders": [(4, 6), (9, 13), (30, 40)]})
            listener.publish(TOPICS.ack, need)
            listener.publish(TOPICS.ack, need)
            again = [4, 5, 6, 9, 10, 11, 12, 13]
            await until(lambda: len(sequences(listener, Stream.ORDERS)) >= 20 + len(again))
            await box.record(Stream.ORDERS, 1)
            await until(lambda: sequences(listener, Stream.ORDERS)[-1] == 21)
            assert sequences(listener, Stream.ORDERS)[20:-1] == again


async def test_foreign_and_broken_acknowledgements_do_nothing(tmp_path: Path, broker: Broker) -> None:
    with Listener(broker.port, f"{TOPICS.root}/up/#") as listener:
        async with agent(tmp_path / "state", broker.port) as box:
            await box.record(Stream.ORDERS, 1)
            await until(lambda: listener.seen)
            epoch = box.storage.epoch
            for payload in (b"", b"null", b"[" * 100_000, ack("another", upto={"orders": 99}), b'{"epoch": 3}'):
                listener.publish(TOPICS.ack, payload, retain=False)
            listener.publish(TOPICS.ack, ack(epoch, upto={"orders": -1}), retain=False)
            listener.publish(TOPICS.ack, ack(epoch, upto={"orders": 1, "unknown": 7}))
            await box.delivered()
            assert box.storage.epoch == epoch


async def test_a_denied_stream_is_named_and_nothing_is_lost(tmp_path: Path) -> None:
    needs_mosquitto()
    acl = tmp_path / "acl"
    rules = f"topic readwrite {TOPICS.root}/#\n" + "topic readwrite o2o/#\n"
    acl.write_text(f"topic deny {TOPICS.up(Stream.ORDERS)}\n{rules}")
    acl.chmod(0o600)
    with (
        Broker(tmp_path / "broker", BrokerOptions(acl_file=acl)) as broker,
        CentralProcess(tmp_path, broker.port, "--quiet") as central,
    ):
        async with agent(tmp_path / "state", broker.port) as box:
            orders = await box.record(Stream.ORDERS, 3)
            checkins = await box.record(Stream.CHECKINS, 3)
            await until(lambda: box.codes().get("sync/orders") == "not_authorized")
            await until(lambda: held(central, Stream.CHECKINS) == checkins)
            assert box.storage.watermark(Stream.ORDERS) == 0
            acl.write_text(rules)
            await asyncio.to_thread(broker.restart, keep_memory=True)
            await box.delivered()
            assert held(central, Stream.ORDERS) == orders
            assert box.codes() == {}


@pytest.mark.parametrize("compression", ["zstd", "identity"])
async def test_small_packets_split_frames_and_keep_sequences(tmp_path: Path, compression: str) -> None:
    needs_mosquitto()
    with (
        Broker(tmp_path / "broker", BrokerOptions(max_packet_size=4_000)) as broker,
        CentralProcess(tmp_path, broker.port, "--quiet") as central,
    ):
        async with agent(tmp_path / "state", broker.port, compression=compression) as box:  # type: ignore[arg-type]  # a parameter
            ids = await box.record(Stream.ORDERS, 200)
            await box.delivered()
            assert box.storage.last(Stream.ORDERS) == 200
        assert held(central, Stream.ORDERS) == ids
        assert reading.alarms(central.database) == []


async def test_the_broker_alone_may_acknowledge(tmp_path: Path, broker: Broker) -> None:
    with Listener(broker.port, f"{TOPICS.root}/up/#") as listener:
        async with agent(tmp_path / "state", broker.port, acknowledge="broker") as box:
            for _ in range(30):
                await box.record(Stream.ORDERS, 1)
            await box.delivered()
            await until(lambda: sequences(listener, Stream.ORDERS) == list(range(1, 31)))  # its own copies may be later


async def test_a_live_order_overtakes_a_backlog_of_anything_else(tmp_path: Path, broker: Broker) -> None:
    state = tmp_path / "state"
    async with agent(state, broker.port, connected=False, compression="identity") as box:
        for _ in range(150):
            await box.record(Stream.CHECKINS, 40)  # 25 KB: too large to be joined
    with Listener(broker.port, f"{TOPICS.root}/up/#") as listener:
        async with proxied(broker.port) as proxy:
            proxy.bytes_per_second = 4_000_000
            async with agent(state, proxy.port, acknowledge="broker", compression="identity") as box:
                await until(lambda: len(listener.seen) > 10)
                await box.record(Stream.ORDERS, 1)
                recorded = len(listener.seen)
                await until(lambda: TOPICS.up(Stream.ORDERS) in listener.topics())
                # What was on its way: 32 KiB and a frame, a turn of the loop, and what this listener had not seen yet.
                assert listener.topics().index(TOPICS.up(Stream.ORDERS)) - recorded <= 6
                await box.delivered()
                await until(lambda: len(listener.seen) == 151)


async def test_single_orders_of_an_offline_day_go_together(
    tmp_path: Path, broker: Broker, central: CentralProcess
) -> None:
    state = tmp_path / "state"
    async with agent(state, broker.port, connected=False) as box:
        ids = [(await box.record(Stream.ORDERS, 1))[0] for _ in range(500)]
    async with agent(state, broker.port) as box:
        await box.delivered()
        assert box.sync.sent_events == 500
        assert box.sync.sent_frames <= 10
    assert held(central, Stream.ORDERS) == ids
    assert reading.alarms(central.database) == []


async def test_an_unchanged_acknowledgement_repeats_the_first_frame(tmp_path: Path, broker: Broker) -> None:
    with Listener(broker.port, f"{TOPICS.root}/up/#") as listener:
        async with agent(tmp_path / "state", broker.port) as box:
            for count in range(1, 6):
                await box.record(Stream.ORDERS, 1)
                await until(lambda count=count: len(listener.seen) == count)  # type: ignore[misc]  # bound per round
            said = ack(box.storage.epoch, upto={"orders": 2})
            listener.publish(TOPICS.ack, said)
            await until(lambda: box.storage.watermark(Stream.ORDERS) == 2)
            listener.publish(TOPICS.ack, said)
            await until(lambda: sequences(listener, Stream.ORDERS)[5:] == [3])
            assert msgspec.json.decode(said)["upto"] == {"orders": 2}


async def test_an_event_that_fits_no_packet_is_named_and_goes_when_it_may(tmp_path: Path) -> None:
    needs_mosquitto()
    with (
        Broker(tmp_path / "broker", BrokerOptions(max_packet_size=600)) as broker,
        CentralProcess(tmp_path, broker.port, "--quiet") as central,
    ):
        async with agent(tmp_path / "state", broker.port) as box:
            ids = await box.record(Stream.ORDERS, 2)
            await until(lambda: box.codes().get("sync/orders") == "packet_too_large")
            assert box.uplink.connected
            assert box.sync.sent_frames == 0
            broker.options = BrokerOptions()
            await asyncio.to_thread(broker.restart, keep_memory=True)
            await box.delivered()
            assert held(central, Stream.ORDERS) == ids
            assert box.codes() == {}


@pytest.mark.parametrize("seed", SEEDS)
async def test_random_faults_lose_and_double_nothing(
    tmp_path: Path, broker: Broker, central: CentralProcess, seed: int
) -> None:
    rng = random.Random(seed)
    async with proxied(broker.port) as proxy, agent(tmp_path / "state", proxy.port) as box:
        ids: dict[Stream, list[str]] = {Stream.ORDERS: [], Stream.CHECKINS: []}
        for _ in range(12):
            for _ in range(rng.randrange(1, 12)):
                stream = rng.choice([Stream.ORDERS, Stream.CHECKINS])
                ids[stream] += await box.record(stream, rng.randrange(1, 5))
            match rng.choice(["cut", "swallow", "broker killed", "broker restarted", "central killed", "calm"]):
                case "cut":
                    proxy.cut()
                case "swallow":
                    proxy.mode = Mode.SWALLOW
                    ids[Stream.ORDERS] += await box.record(Stream.ORDERS, 1)
                    await asyncio.sleep(0.02)
                    proxy.cut()
                    proxy.mode = Mode.FORWARD
                case "broker killed":
                    await asyncio.to_thread(broker.restart, keep_memory=False)
                case "broker restarted":
                    await asyncio.to_thread(broker.restart, keep_memory=True)
                case "central killed":
                    await asyncio.to_thread(central.restart)
        await box.delivered()
    for stream, recorded in ids.items():
        assert sorted(held(central, stream)) == sorted(recorded)
    assert reading.alarms(central.database) == []
