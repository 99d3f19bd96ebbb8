"""A broker and a head office with moods: nothing is lost, and the status tells the truth."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from edge_agent.simulator import central_reading
from tests.support.broker import subscriber
from tests.support.shop import ShopUnderTest, until

ACK = "o2o/1/demo/sh-0001/pc-1/down/ack"
STATE = "o2o/1/demo/sh-0001/pc-1/state"


@pytest.mark.long
async def test_head_office_away_and_then_slow(shop: ShopUnderTest) -> None:
    await shop.agent()
    await shop.sell(500)
    await shop.until_status(lambda status: status["sync"]["waiting"] >= 500)
    await shop.central("--delay=150")
    await shop.sell(20)
    await shop.until_equal()
    assert central_reading.alarms(shop.store.database) == []


# EPOCH stands for the one in force.
NOT_AN_ACK = (
    b"not json", b"", b"\xff\xfe", b"[]", b"{}", b'{"epoch":1}', b"null", b"[" * 100_000,
    b'{"epoch":"EPOCH","upto":{"orders":"7"}}',
    b'{"epoch":"EPOCH","upto":{"orders":-1}}',
    b'{"epoch":"EPOCH","upto":{"orders":1e300}}',
    b'{"epoch":"EPOCH","upto":{"orders":123456789012345678901234567890}}',
    b'{"epoch":"EPOCH","upto":{},"need":{"orders":[[5,1]]}}',
    b'{"epoch":"EPOCH","upto":{"orders":3},"need":7}',
)  # fmt: skip
ODD_ACK = (
    b'{"epoch":"EPOCH","upto":{"nonsense":5}}',
    b'{"epoch":"EPOCH","upto":{},"need":{"orders":[[1,9223372036854775807]]}}',
    b'{"epoch":"EPOCH","upto":{},"need":{"orders":[[1,3],[2,9],[1,1]]},"day":[1,"x",null]}',
    b'{"epoch":"EPOCH","upto":{"orders":2}}',
    b'{"epoch":"00000000-0000-0000-0000-000000000000","upto":{"orders":9999}}',
    b'{"epoch":"EPOCH","upto":{"orders":1000000}}',
    b'{"epoch":"EPOCH","upto":{"orders":9223372036854775807,"ops":9223372036854775807}}',
)


@pytest.mark.parametrize("payloads", [NOT_AN_ACK, ODD_ACK], ids=["not an ack", "odd ack"])
async def test_garbage_where_the_acknowledgement_should_be(shop: ShopUnderTest, payloads: tuple[bytes, ...]) -> None:
    await shop.central()
    agent, _ = await shop.agent()
    register = await shop.register("--interval=0.05", "--style=mixed")
    with subscriber(shop.store.broker.port) as somebody:
        for number, payload in enumerate(payloads):
            await more(shop, 3)
            epoch = (await shop.status())["epoch"].encode()
            somebody.publish(ACK, payload.replace(b"EPOCH", epoch))
            await more(shop, 3)
            if number % 4 == 3:  # the next life finds it retained
                somebody.publish(ACK, payload.replace(b"EPOCH", epoch))
                await agent.kill()
                agent, _ = await shop.agent()
    await register.stop()
    await shop.until_equal()
    await shop.until_status(lambda status: status["sync"]["waiting"] == 0)
    assert [line for line in shop.log if line.get("level") in ("error", "critical")] == []


async def more(shop: ShopUnderTest, count: int) -> None:
    wanted = len(shop.printed) + count
    await until(lambda: len(shop.printed) >= wanted)


def parts(status: dict[str, Any]) -> set[str]:
    return {condition["part"] for condition in status["conditions"]}


async def test_two_head_offices(shop: ShopUnderTest, tmp_path: Path) -> None:
    await shop.central()
    database, shop.store.database = shop.store.database, tmp_path / "other.db"
    await shop.central("--client-id=other")
    shop.store.database = database
    await shop.agent()
    await shop.sell(30)
    await shop.until_equal()
    shop.store.database = tmp_path / "other.db"
    await shop.until_equal()
    await shop.until_status(lambda status: status["sync"]["waiting"] == 0)


async def test_words_of_life_and_death(shop: ShopUnderTest) -> None:
    await shop.central()
    with subscriber(shop.store.broker.port, STATE) as listener:

        def states() -> list[str]:
            return [json.loads(seen.payload)["state"] for seen in listener.seen]

        agent, _ = await shop.agent()
        register = await shop.register("--interval=0.01", "--style=mixed")
        await until(lambda: len(shop.printed) > 30 and states() == ["online"])
        began = asyncio.get_running_loop().time()
        assert await agent.stop() == 0
        assert asyncio.get_running_loop().time() - began < 10
        await until(lambda: states() == ["online", "stopping"], states)
        agent, _ = await shop.agent()
        await until(lambda: states() == ["online", "stopping", "online"], states)
        await agent.kill()
        await until(lambda: states() == ["online", "stopping", "online", "lost"], states)
        await shop.agent()
        await register.stop()
        await shop.until_equal()
