"""Files over a real broker: whole, whatever breaks on the way, and never in an order's way."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from edge_agent.contract.events import Stream
from edge_agent.errors import AgentError, StorageError
from edge_agent.remote.commands.acting import Result, Upload
from edge_agent.remote.commands.outgoing import CHUNK_BYTES, Outgoing
from edge_agent.remote.commands.parcel import make_folder
from edge_agent.simulator.broker import Broker, BrokerOptions
from edge_agent.sync import Sync
from edge_agent.uplink import Link
from tests.support.agent import TOPICS, Agent, agent
from tests.support.broker import Listener, needs_mosquitto, until
from tests.support.central import CentralProcess
from tests.support.chunks import chunks, replies, together
from tests.support.disk import small_disk, take_all
from tests.support.proxy import proxied

REPLIES = f"{TOPICS.root}/reply/+"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    needs_mosquitto()
    with Broker(tmp_path / "broker") as broker:
        yield broker


@dataclass
class Sending:
    """An agent that sends files, and what it says of them."""

    folder: Path
    outgoing: Outgoing
    box: Agent
    finished: dict[str, Result | AgentError] = field(default_factory=dict)

    async def add(self, id_: str, body: bytes) -> None:
        await self.outgoing.add(id_, made(self.outgoing, id_, body))


@asynccontextmanager
async def sending(
    folder: Path, port: int, *, unanswered: tuple[str, ...] = (), connected: bool = True
) -> AsyncIterator[Sending]:
    """Run an agent on ``folder``; its files lie in ``outgoing``."""
    finished: dict[str, Result | AgentError] = {}
    restored: asyncio.Future[Outgoing] = asyncio.get_running_loop().create_future()

    async def finish(id_: str, outcome: Result | AgentError) -> None:
        assert any((folder / "outgoing" / id_).iterdir())  # until the answer is durable
        finished[id_] = outcome

    async def beside(_sync: Sync, link: Link) -> None:
        await (await restored).run(link, TOPICS, finish)

    async with agent(folder, port, connected=connected, beside=beside) as box:
        outgoing = Outgoing(folder / "outgoing", box.sync, lambda: "2026-11-22T10:00:00.000+08:00")
        await outgoing.restore(frozenset(unanswered))
        restored.set_result(outgoing)
        yield Sending(folder, outgoing, box, finished)


def made(outgoing: Outgoing, id_: str, body: bytes) -> Upload:
    room = outgoing.room(id_)
    make_folder(room)
    path = room / "made.bin"
    path.write_bytes(body)
    return Upload(path, f"{id_}.bin", {"what": id_})


def noise(size: int, seed: int = 6) -> bytes:
    return random.Random(seed).randbytes(size)


async def test_a_file_goes_up_in_chunks_and_is_deleted(tmp_path: Path, broker: Broker) -> None:
    bodies = {"one": noise(3 * CHUNK_BYTES + 1), "exact": noise(2 * CHUNK_BYTES), "empty": b""}
    with Listener(broker.port, REPLIES) as listener:
        async with sending(tmp_path / "state", broker.port) as sender:
            for id_, body in bodies.items():
                await sender.add(id_, body)
            await until(lambda: len(sender.finished) == len(bodies))
            assert sender.finished == {id_: {"what": id_} for id_ in bodies}
            await until(lambda: not list((tmp_path / "state/outgoing").iterdir()))
    for id_, body in bodies.items():
        assert together(chunks(listener.seen, TOPICS, id_)) == body
    said = replies(listener.seen, TOPICS, "one")
    assert {reply.status for reply in said} == {"progress"}
    assert [reply.progress for reply in said] == [0, 0.25, 0.5, 0.75]
    assert [chunk.number for chunk in chunks(listener.seen, TOPICS, "one")] == [0, 1, 2, 3]


async def test_what_lies_there_is_for_this_user_only(tmp_path: Path, broker: Broker) -> None:
    async with sending(tmp_path / "state", broker.port, connected=False) as sender:
        await sender.add("one", b"what somebody bought")
        folder = sender.outgoing.room("one")
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


async def test_after_each_cut_it_goes_on_behind_the_last_that_arrived(tmp_path: Path, broker: Broker) -> None:
    body = noise(24 * CHUNK_BYTES)
    with Listener(broker.port, REPLIES) as listener:
        async with proxied(broker.port) as proxy, sending(tmp_path / "state", proxy.port) as sender:
            proxy.bytes_per_second = 4_000_000
            await sender.add("one", body)
            cuts = 0
            for arrived in (5, 14):
                await until(lambda arrived=arrived: len(chunks(listener.seen, TOPICS, "one")) >= arrived)  # type: ignore[misc]
                proxy.cut()
                cuts += 1
            await until(lambda: "one" in sender.finished)
    came = Counter(chunk.number for chunk in chunks(listener.seen, TOPICS, "one"))
    assert together(chunks(listener.seen, TOPICS, "one")) == body
    assert sum(came.values()) - len(came) <= cuts, "only the one in flight comes again"


async def test_the_next_process_goes_on(tmp_path: Path, broker: Broker) -> None:
    body = noise(20 * CHUNK_BYTES)
    with Listener(broker.port, REPLIES) as listener:
        async with proxied(broker.port) as proxy:
            proxy.bytes_per_second = 2_000_000
            async with sending(tmp_path / "state", proxy.port) as sender:
                await sender.add("one", body)
                await sender.add("forgotten", b"nobody waits for it")
                await until(lambda: len(chunks(listener.seen, TOPICS, "one")) >= 6)
        (tmp_path / "state/outgoing/half").mkdir()
        (tmp_path / "state/outgoing/half/being-made").write_bytes(b"of a command that was killed")
        async with sending(tmp_path / "state", broker.port, unanswered=("one", "half")) as sender:
            await until(lambda: sender.finished == {"one": {"what": "one"}})
            await until(lambda: not list((tmp_path / "state/outgoing").iterdir()))
    came = [chunk.number for chunk in chunks(listener.seen, TOPICS, "one")]
    assert together(chunks(listener.seen, TOPICS, "one")) == body
    assert len(came) <= 21
    assert not chunks(listener.seen, TOPICS, "forgotten")


async def test_an_order_waits_behind_one_chunk_at_most(tmp_path: Path, broker: Broker) -> None:
    """On a slow line, orders and chunks alternate as the broker sees them: never two chunks between an order and it."""
    with (
        CentralProcess(tmp_path, broker.port, "--quiet"),
        Listener(broker.port, REPLIES, TOPICS.up(Stream.ORDERS)) as listener,
    ):
        async with proxied(broker.port) as proxy, sending(tmp_path / "state", proxy.port) as sender:
            proxy.bytes_per_second = 512 * 1024
            await sender.add("one", noise(20 * CHUNK_BYTES))
            overtaken = []
            for orders in range(1, 9):
                await until(lambda: len(chunks(listener.seen, TOPICS, "one")) >= 1)
                before = len(chunks(listener.seen, TOPICS, "one"))
                await sender.box.record(Stream.ORDERS, 1)
                await until(lambda orders=orders: listener.topics().count(TOPICS.up(Stream.ORDERS)) >= orders)  # type: ignore[misc]
                overtaken.append(len(chunks(listener.seen, TOPICS, "one")) - before)
            assert "one" not in sender.finished, "the file was too small for this test"
            await until(lambda: "one" in sender.finished, 30)
            await sender.box.delivered()
    # What was on its way when the order came, and what came between the order's arrival and our looking.
    assert max(overtaken) <= 2, overtaken
    assert sum(overtaken) <= len(overtaken) + 1, overtaken


async def test_a_backlog_goes_first(tmp_path: Path, broker: Broker) -> None:
    with CentralProcess(tmp_path, broker.port, "--quiet"), Listener(broker.port, f"{TOPICS.root}/#") as listener:
        async with sending(tmp_path / "state", broker.port, connected=False) as sender:
            for _ in range(100):
                await sender.box.record(Stream.CHECKINS, 5)
            await sender.add("one", noise(CHUNK_BYTES))
        async with sending(tmp_path / "state", broker.port, unanswered=("one",)) as sender:
            await until(lambda: "one" in sender.finished)
    topics = listener.topics()
    last_event = max(index for index, topic in enumerate(topics) if topic == TOPICS.up(Stream.CHECKINS))
    assert topics.index(TOPICS.reply("one")) > last_event


async def test_it_goes_up_while_head_office_confirms_nothing(tmp_path: Path, broker: Broker) -> None:
    """That may be just what support wants to look at."""
    with Listener(broker.port, f"{TOPICS.root}/#") as listener:  # a broker that takes, and no central
        async with sending(tmp_path / "state", broker.port) as sender:
            for _ in range(100):
                await sender.box.record(Stream.ORDERS, 1)
            await sender.add("one", noise(3 * CHUNK_BYTES))
            await until(lambda: "one" in sender.finished)
            assert sender.box.storage.watermark(Stream.ORDERS) == 0
    assert together(chunks(listener.seen, TOPICS, "one"))


async def test_a_broker_of_small_packets_gets_small_pieces(tmp_path: Path) -> None:
    needs_mosquitto()
    body = noise(10_000)
    small = Broker(tmp_path / "broker", BrokerOptions(max_packet_size=2_000))
    with small, Listener(small.port, REPLIES) as listener:
        async with sending(tmp_path / "state", small.port) as sender:
            await sender.add("one", body)
            await until(lambda: "one" in sender.finished)
            assert sender.finished == {"one": {"what": "one"}}
    assert together(chunks(listener.seen, TOPICS, "one")) == body
    assert max(len(seen.payload) for seen in listener.seen) <= 2_000


async def test_a_file_that_is_damaged_is_told(tmp_path: Path, broker: Broker) -> None:
    async with proxied(broker.port) as proxy, sending(tmp_path / "state", proxy.port) as sender:
        proxy.bytes_per_second = 256 * 1024
        await sender.add("one", noise(20 * CHUNK_BYTES))
        (sender.outgoing.room("one") / "file").write_bytes(b"")
        await until(lambda: "one" in sender.finished)
        assert isinstance(sender.finished["one"], StorageError)
        assert "new id" in str(sender.finished["one"])


async def test_more_than_may_wait_is_refused_and_leaves_nothing(
    tmp_path: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.remote.commands.parcel.FOLDER_BYTES", 100_000)
    async with sending(tmp_path / "state", broker.port, connected=False) as sender:
        await sender.add("one", noise(60_000))
        with pytest.raises(StorageError, match="may wait here"):
            await sender.add("two", noise(60_000))
        assert [path.name for path in (tmp_path / "state/outgoing").iterdir()] == ["one"]
        await sender.outgoing.discard("one")
        await sender.add("three", noise(60_000))


async def test_on_a_full_disk_the_file_is_refused_and_orders_go_on(tmp_path: Path, broker: Broker) -> None:
    with (
        small_disk(tmp_path / "state") as folder,
        CentralProcess(tmp_path, broker.port, "--quiet"),
        Listener(broker.port, REPLIES) as listener,
    ):
        async with sending(folder, broker.port) as sender:
            upload = made(sender.outgoing, "two", noise(2_000))
            await sender.add("one", noise(4 * CHUNK_BYTES))
            await until(lambda: "one" in sender.finished)
            take_all(folder)
            with pytest.raises(StorageError, match="make room"):
                await sender.outgoing.add("two", upload)
            await sender.box.record(Stream.ORDERS, 1)
            await sender.box.delivered()
            await asyncio.sleep(0)
    assert together(chunks(listener.seen, TOPICS, "one"))


async def test_on_a_disk_that_has_filled_up_what_waits_still_goes(tmp_path: Path, broker: Broker) -> None:
    body = noise(4 * CHUNK_BYTES)
    with small_disk(tmp_path / "state") as folder, Listener(broker.port, REPLIES) as listener:
        async with sending(folder, broker.port, connected=False) as sender:
            await sender.add("one", body)
            take_all(folder)
        async with sending(folder, broker.port, unanswered=("one",)) as sender:
            await until(lambda: "one" in sender.finished)
    assert together(chunks(listener.seen, TOPICS, "one")) == body


async def test_a_chunk_that_the_broker_refuses_has_not_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_mosquitto()
    monkeypatch.setattr("edge_agent.remote.commands.outgoing.REFUSED_S", 0.1)
    acl = tmp_path / "acl"
    acl.write_text("topic read #\ntopic readwrite $SYS/#\n", "ascii")
    acl.chmod(0o600)
    with Broker(tmp_path / "broker", BrokerOptions(acl_file=acl)) as strict:
        async with sending(tmp_path / "state", strict.port) as sender:
            with capture_logs() as log:
                await sender.add("one", noise(2 * CHUNK_BYTES))
                await until(lambda: "chunk_refused" in [entry["event"] for entry in log])
                await asyncio.sleep(0.5)  # it tries again some times
            assert [entry["event"] for entry in log].count("chunk_refused") == 1
            assert not sender.finished
            acl.write_text("topic readwrite #\n", "ascii")
            await asyncio.to_thread(strict.restart, keep_memory=True)
            await until(lambda: "one" in sender.finished)
    assert sender.finished == {"one": {"what": "one"}}
