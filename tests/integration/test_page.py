"""The page's addresses as a browser, Prometheus and the command line reach them."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from edge_agent import clock
from edge_agent.commands.status import ask, render
from edge_agent.config import Config
from edge_agent.contract.events import Stream
from edge_agent.health import Condition, Level
from edge_agent.observations import Receipt
from edge_agent.page.control import control_socket
from edge_agent.simulator.virtual_store import AGENT_TOML
from tests.support.generation import configure
from tests.support.lan import own_address
from tests.support.page import Page, served
from tests.support.slips import receipt, sale
from tests.support.storage import of, order

YEAR_MS = 365 * 86_400_000


@pytest.fixture(autouse=True)
def no_runtime_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with served(configure(tmp_path)) as found:
        yield found


def observe(page: Page, slip: Receipt) -> None:
    page.shop.generation.shop.observe("till-1-printer", slip, page.shop.clock.now())


async def test_healthz_tells_which_part_has_stalled(page: Page) -> None:
    assert await page.get("healthz") == (200, '{"stalled": []}')
    page.shop.health.progress("sync", within_ms=-1)
    assert await page.get("healthz") == (503, '{"stalled": ["sync"]}')
    page.shop.health.progress("sync", within_ms=60_000)
    assert (await page.get("healthz"))[0] == 200


async def test_what_began_before_the_clock_was_set_is_told_by_the_clock_as_it_is(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = clock._read_together
    with monkeypatch.context() as unset:
        unset.setattr(clock, "_read_together", lambda: (read()[0] - YEAR_MS, read()[1]))
        page.shop.health.report("disk", Condition("disk_full", Level.ACTION))
    document = await page.status()
    (condition,) = document["conditions"]
    since, now = (datetime.fromisoformat(time) for time in (condition["since"], document["clock"]["now"]))
    assert now - since < timedelta(minutes=10)


async def test_the_status_document_has_the_contracts_shape(page: Page) -> None:
    observe(page, receipt(sale()))
    document = await page.status()
    assert {"level", "headline", "steps", "devices", "sync", "today", "clock", "config", "version"} <= document.keys()
    assert (document["level"], document["steps"]) == ("ok", [])
    (device,) = document["devices"]
    assert device.keys() == {"id", "name", "kind", "touchpoint", "state", "since", "last_seen", "detail"}
    assert {"connected", "waiting", "oldest_waiting_seconds", "confirmed_until"} <= document["sync"].keys()
    assert {"orders", "checkins", "visitors", "day_proof"} <= document["today"].keys()
    assert document["today"]["orders"] == 1
    text = json.dumps(document, ensure_ascii=False)
    assert [secret for secret in ("1600", "16.0", "2000", "王芳") if secret in text] == [], "no amounts and no names"


async def test_what_waits_and_since_when(page: Page) -> None:
    clock = page.shop.clock.now()
    await page.shop.storage.commit(of(order(1, clock), order(2, clock)))
    sync = (await page.status())["sync"]
    assert (sync["waiting"], sync["waiting_by_stream"]["orders"]) == (2, 2)
    assert 0 <= sync["oldest_waiting_seconds"] < 60


async def test_what_was_confirmed_is_known_after_a_restart(tmp_path: Path) -> None:
    config = configure(tmp_path)
    async with served(config) as page:
        assert (await page.status())["sync"]["confirmed_until"] is None
        await page.shop.storage.commit(of(order(1)))
        recorded = page.shop.clock.now().wall_ms
        await page.shop.storage.commit(of(order(2)))
        page.shop.storage.acknowledge(Stream.ORDERS, 1)
    async with served(config) as page:
        confirmed = (await page.status())["sync"]["confirmed_until"]
        assert abs(datetime.fromisoformat(confirmed).timestamp() * 1000 - recorded) < 60_000


async def test_the_worst_comes_as_a_sentence_with_steps(page: Page) -> None:
    missing = Condition("device_missing", Level.ACTION, "1号收银小票: /dev/x: is it plugged in?")
    page.shop.health.report("link", Condition("refused", Level.ATTENTION, "nobody listens"))
    page.shop.health.report("device/till-1-printer", missing)
    document = await page.status()
    assert document["level"] == "action"
    assert re.fullmatch(r"1号收银小票从\d\d:\d\d起找不到了。", document["headline"])
    english = (await page.status(**{"Accept-Language": "en-GB,en;q=0.9"}))["headline"]
    assert re.fullmatch(r"1号收银小票 has not been found since \d\d:\d\d\.", english)
    assert 1 <= len(document["steps"]) <= 3
    assert [condition["code"] for condition in document["conditions"]] == ["device_missing", "refused"]


async def test_metrics_are_prometheus_text(page: Page) -> None:
    observe(page, receipt(sale()))
    observe(page, receipt(sale().replace("便利店", "便利店\n** 补打 **")))
    page.shop.generation.devices["till-1-printer"].undecoded["noise"] += 7
    await page.shop.storage.commit(of(order(1)))
    samples = await page.metrics()
    assert samples["edge_agent_slips_total", "sale"] == samples["edge_agent_slips_total", "reprint"] == 1
    assert samples["edge_agent_slips_today", "reprint"] == 1
    assert samples["edge_agent_undecoded_bytes_total", "till-1-printer", "noise"] == 7
    assert samples["edge_agent_waiting", "orders"] == samples["edge_agent_recorded_total", "orders"] == 1
    assert samples["edge_agent_device_up", "till-1-printer"] == 0
    assert samples["edge_agent_resends_total",] == samples["edge_agent_receipt_number_gaps_total",] == 0
    assert samples["edge_agent_connected",] == 0
    assert samples["edge_agent_present",] == samples["edge_agent_tracked",] == 0
    assert samples["edge_agent_frozen_scanners",] == 0


async def test_the_address_in_the_log_shows_something(page: Page) -> None:
    status, body = await page.get("")
    assert status == 200
    assert body.startswith("<!doctype html>")


async def test_an_unknown_path_is_404_and_other_methods_are_refused(page: Page) -> None:
    assert (await page.get("nothing"))[0] == 404
    assert (await page.get("../../etc/passwd"))[0] == 404
    own = {"Origin": page.url.rstrip("/")}
    async with (
        aiohttp.ClientSession() as session,
        session.post(page.url + "api/status", headers=own, json={}) as response,
    ):
        assert response.status == 405


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("127.0.0.1:8080", 200), ("[::1]", 200), ("localhost", 200), ("192.168.1.20:8080", 200), ("LOCALHOST", 200),
        ("evil.example", 421), ("evil.example:8080", 421), ("8.8.8.8", 421), ("[::1", 421), ("localhost.evil.com", 421),
    ],
)  # fmt: skip
async def test_only_requests_meant_for_this_box_are_answered(page: Page, host: str, code: int) -> None:
    assert (await page.get("api/status", Host=host))[0] == code


async def test_allowed_hosts_may_reach_the_page(tmp_path: Path) -> None:
    agent = AGENT_TOML + 'allowed_hosts = ["Till.shop.example"]\n'
    async with served(configure(tmp_path, agent=agent)) as page:
        assert (await page.get("healthz", Host="till.shop.example:8080"))[0] == 200
        assert (await page.get("healthz", Host="other.shop.example"))[0] == 421


async def test_metrics_are_for_this_machine_only(tmp_path: Path) -> None:
    address = own_address()
    agent = AGENT_TOML.replace('listen = "127.0.0.1:0"', 'listen = "0.0.0.0:0"')
    async with served(configure(tmp_path, agent=agent)) as page:
        port = page.url.rstrip("/").rpartition(":")[2]
        for host, code in (("127.0.0.1", 200), (address, 403)):
            page.url = f"http://{host}:{port}/"
            assert (await page.get("metrics", Host="localhost"))[0] == code
            assert (await page.get("healthz", Host="localhost"))[0] == 200


async def test_a_taken_port_does_not_stop_the_agent(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = configure(tmp_path, agent=AGENT_TOML.replace("127.0.0.1:0", f"127.0.0.1:{port}"))
        async with served(config) as page:
            assert [(entry["event"], entry["reason"]) for entry in page.log] == [("part_down", "page_not_listening")]
            document = await over_the_socket(config)
            assert document["level"] == "attention"
            assert document["headline"].startswith("浏览器打不开小主机的页面")
            taken.close()
            async with asyncio.timeout(30):
                while page.shop.health.conditions():
                    await asyncio.sleep(0.05)
            assert (await over_the_socket(config))["level"] == "ok"


async def test_the_control_socket_of_a_very_deep_state_directory(tmp_path: Path) -> None:
    deep = tmp_path / "/".join(["very-deep-folder"] * 12)
    deep.mkdir(parents=True)
    config = configure(deep)
    assert len(str(control_socket(config.agent.agent.state_dir))) > 107
    async with served(config):
        document = await over_the_socket(config)
        assert "head office: not connected" in render(document, "en")
        assert control_socket(config.agent.agent.state_dir).stat().st_mode & 0o777 == 0o600
    assert not control_socket(config.agent.agent.state_dir).exists()


async def test_a_socket_left_by_a_killed_agent_is_taken_over(tmp_path: Path) -> None:
    config = configure(tmp_path)
    left = control_socket(config.agent.agent.state_dir)
    left.parent.mkdir(parents=True, mode=0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(left))
    async with served(config):
        assert (await over_the_socket(config))["version"]


async def over_the_socket(config: Config) -> dict[str, Any]:
    """Ask as the command line does."""
    document = await asyncio.to_thread(ask, config)
    assert document is not None
    return document
