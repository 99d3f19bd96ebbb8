"""One till to head office: the real process between a pty and a Mosquitto."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
from paho.mqtt.client import MQTTv5
from paho.mqtt.subscribe import simple

from tests.support.shop import ShopUnderTest, until


async def command(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "edge_agent", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


async def get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def test_receipts_become_orders_that_head_office_confirms(shop: ShopUnderTest) -> None:
    await shop.central()
    agent, url = await shop.agent()
    register = await shop.register("--count=20", "--interval=0.02", "--style=mixed", "--seed=7")
    await until(lambda: len(shop.printed) == 20)
    await shop.until_equal()

    status, document = await status_when_confirmed(shop.store.config)
    assert (status, document["level"]) == (0, "ok"), document
    assert document["sync"]["waiting"] == 0
    assert document["today"]["orders"] + document["today"]["returns"] + document["today"]["voids"] == 20
    assert [(device["id"], device["state"]) for device in document["devices"]] == [("till-1-printer", "up")]
    assert (await get(f"{url}healthz"))[0] == 200
    code, metrics = await get(f"{url}metrics")
    assert (code, 'edge_agent_waiting{stream="orders"} 0.0' in metrics) == (200, True)

    await register.stop()
    assert await agent.stop() == 0
    await until(lambda: len(shop.events("o2o.agent.stopping.v1")) == 1)
    assert [event["device"] for event in shop.events("o2o.device.up.v1")] == ["till-1-printer"]
    for order in shop.events("o2o.order."):
        assert order["checks"]["lines"] == order["checks"]["tenders"] == "pass", order


async def status_when_confirmed(config: Path) -> tuple[int, dict[str, Any]]:
    """Ask until nothing waits: head office's word reaches the agent a moment after its database has the orders."""
    while True:
        status, text = await command("status", "--json", f"--config={config}")
        document: dict[str, Any] = json.loads(text)
        if document["sync"]["waiting"] == 0:
            return status, document


async def test_the_retained_health_says_what_the_status_says(shop: ShopUnderTest) -> None:
    await shop.central()
    await shop.register("--count=1")
    await shop.agent()
    retained = await retained_health(shop)
    while not (retained["sync"]["connected"] and retained["devices"][0]["state"] == "up"):
        retained = await retained_health(shop)


async def retained_health(shop: ShopUnderTest) -> dict[str, Any]:
    """Return what a newcomer at the broker is told at once."""
    topic, port = "o2o/1/demo/sh-0001/pc-1/health", shop.store.broker.port
    message = await asyncio.to_thread(simple, topic, hostname="127.0.0.1", port=port, protocol=MQTTv5)
    document: dict[str, Any] = json.loads(message.payload)
    return document


async def test_status_of_an_agent_that_does_not_run(shop: ShopUnderTest) -> None:
    assert (await command("status", f"--config={shop.store.config}"))[0] == 4


async def test_a_second_agent_on_the_same_state_is_refused(shop: ShopUnderTest) -> None:
    await shop.agent()
    assert (await command("run", f"--config={shop.store.config}"))[0] == 3


async def test_a_config_error_starts_nothing(shop: ShopUnderTest) -> None:
    (shop.store.folder / "store.toml").write_text('[store]\nname = "x"\n', "utf-8")
    assert (await command("run", f"--config={shop.store.config}"))[0] == 2
    assert not (shop.store.folder / "state").exists()


async def test_an_unusable_state_directory_ends_with_3(shop: ShopUnderTest) -> None:
    (shop.store.folder / "state").write_text("a file, not a directory", "utf-8")
    assert (await command("run", f"--config={shop.store.config}"))[0] == 3
