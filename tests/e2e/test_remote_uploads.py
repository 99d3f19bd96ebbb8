"""Head office asks a box for what is too large for one message, and gets all of it, whatever happens meanwhile."""

import base64
import gzip
import io
import random
import tarfile
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge_agent.clock import Clock
from edge_agent.contract.envelope import seal
from edge_agent.contract.remote import Reply
from edge_agent.devices.relay_start import Relays
from tests.support.broker import Listener
from tests.support.chunks import chunks, replies, together
from tests.support.proxy import Proxy, proxied
from tests.support.pty import Cable
from tests.support.pushing import OPERATOR, TOPICS, TRUSTING_TOML
from tests.support.secrets import HIDDEN, printed, revealed, unwrapped
from tests.support.shop import ShopUnderTest, shop_under_test, until
from tests.support.slips import sale


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    async with shop_under_test(tmp_path, agent=TRUSTING_TOML) as running:
        yield running


@pytest.fixture
async def slow(shop: ShopUnderTest) -> AsyncIterator[Proxy]:
    """The store's line to the broker, a slow one."""
    async with proxied(shop.store.broker.port) as proxy:
        config = shop.store.config.read_text("utf-8")
        shop.store.config.write_text(config.replace(f":{shop.store.broker.port}", f":{proxy.port}"), "utf-8")
        proxy.bytes_per_second = 256 * 1024
        yield proxy


@pytest.fixture
def desk(shop: ShopUnderTest) -> "Desk":
    return Desk(shop.store.broker.port)


class Desk:
    """Where commands are given, and their answers come in."""

    def __init__(self, port: int) -> None:
        self.listener = Listener(port, TOPICS.reply("+"))

    def ask(self, id_: str, name: str, **arguments: Any) -> None:
        now = Clock().now()
        payload = {
            "type": "command",
            "target": {"tenant": TOPICS.tenant, "store": TOPICS.store, "agent": TOPICS.agent},
            "id": id_,
            "name": name,
            "arguments": arguments,
            "expires": (datetime.fromtimestamp(now.wall_ms / 1000, UTC) + timedelta(hours=1)).isoformat(),
            "boot_id": now.boot_id,
        }
        envelope = seal(msgspec.json.encode(payload), OPERATOR.private, OPERATOR.id)
        self.listener.publish(TOPICS.command, envelope, retain=False)

    def answers(self, id_: str) -> list[Reply]:
        return replies(self.listener.seen, TOPICS, id_)

    def numbers(self, id_: str) -> list[int]:
        return [chunk.number for chunk in chunks(self.listener.seen, TOPICS, id_)]

    async def done(self, id_: str) -> tuple[Reply, bytes]:
        """Wait for the last word of a command that sends a file; return it and the file."""
        await until(lambda: any(one.status in ("done", "failed", "refused") for one in self.answers(id_)))
        last = next(one for one in self.answers(id_) if one.status in ("done", "failed", "refused"))
        assert last.status == "done", last
        return last, together(chunks(self.listener.seen, TOPICS, id_))


def much_to_tell(shop: ShopUnderTest) -> None:
    """Have the box hold logs that make its bundle large."""
    folder = Relays.of(shop.store.folder / "state", shop.store.config).folder
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(6)
    (folder / "till-9.log").write_text("".join(f"{rng.randbytes(60).hex()}\n" for _ in range(4_000)), "ascii")


async def test_a_bundle_survives_the_agent_and_keeps_no_order_waiting(
    shop: ShopUnderTest, slow: Proxy, desk: Desk
) -> None:
    await shop.central()
    kills = 0
    with desk.listener:
        agent, _ = await shop.agent()
        await shop.until_status(lambda status: bool(status["sync"]["connected"]))
        much_to_tell(shop)
        desk.ask("d-1", "diagnostics")
        for arrived in (2, 5):
            await until(lambda arrived=arrived: len(desk.numbers("d-1")) >= arrived)  # type: ignore[misc]
            await agent.kill()
            kills += 1
            agent, _ = await shop.agent()
        await until(lambda: len(desk.numbers("d-1")) >= 7)
        await shop.sell(5)
        await shop.until_equal()
        assert not any(one.status == "done" for one in desk.answers("d-1")), "the bundle was too small for this test"
        slow.bytes_per_second = 0
        last, body = await desk.done("d-1")
        came = Counter(desk.numbers("d-1"))
        assert sum(came.values()) - len(came) <= kills, "only what was on its way comes again"
        await until(lambda: not list((shop.store.folder / "state/outgoing").iterdir()))

        desk.ask("d-1", "diagnostics")  # the same again: the stored answer, and no file
        await until(lambda: [one.status for one in desk.answers("d-1")].count("done") == 2)
        assert len(desk.numbers("d-1")) == sum(came.values())
    assert last.name == "diagnostics"
    with tarfile.open(fileobj=io.BytesIO(body)) as bundle:
        names = {name.removeprefix("edge-agent-diagnostics/") for name in bundle.getnames()}
    assert {"agent.toml", "status.json", "relays.txt"} <= names


async def test_a_line_is_recorded_and_no_secret_goes_up(shop: ShopUnderTest, desk: Desk) -> None:
    cable = Cable(shop.store.port)
    cable.plug()
    with desk.listener:
        await shop.agent()
        await shop.until_up()
        await shop.until_status(lambda status: bool(status["sync"]["connected"]))
        desk.ask("c-1", "capture", device="till-1-printer", seconds=3)
        await until(lambda: any(one.detail == "listening" for one in desk.answers("c-1")))
        await cable.write(printed(sale()))
        for body in HIDDEN.values():
            await cable.write(body)
        last, body = await desk.done("c-1")
        assert last.result is not None
        assert last.result["ended"] == "time"
        text = gzip.decompress(body).decode()
        rows = [msgspec.json.decode(line) for line in text.splitlines()]
        assert len(rows) > len(HIDDEN)
        order = next(row for row in rows if row.get("events"))
        assert order["events"][0]["type"] == "o2o.order.completed.v1"
        assert order["events"][0]["template"]
        assert b"20261122000137" in base64.b64decode(order["raw"])
        revealed("\n".join((text, *(row["raw"] for row in unwrapped(rows)))))

        desk.ask("c-2", "capture", device="till-1-printer", seconds=601)
        await until(lambda: bool(desk.answers("c-2")))
        assert [one.status for one in desk.answers("c-2")] == ["refused"]
    cable.close()
