"""An operator at a terminal and a real store: keygen, status, show, command, logs, watch, capture."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from edge_agent.simulator.virtual_store import AGENT_TOML
from tests.support.command import Result, edge_agent
from tests.support.fleet import run_here
from tests.support.shop import ShopUnderTest, shop_under_test

PROGRAM = (sys.executable, "-m", "edge_agent.fleet")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    made = await at_desk("keygen", "--out", str(tmp_path / "ops-1.key"), "--roles", "config,command,dataset")
    assert made.code == 0, made.err
    trust = made.out.replace("{", "{{").replace("}", "}}")  # the rest of it is a template
    async with shop_under_test(tmp_path / "shop", agent=f"{AGENT_TOML}\n{trust}") as running:
        (tmp_path / "fleet.toml").write_text(
            f'url = "mqtt://127.0.0.1:{running.store.broker.port}"\ntenant = "demo"\nkey_file = "ops-1.key"\n'
        )
        yield running


async def at_desk(*arguments: str | Path, **options: Any) -> Result:
    return await asyncio.to_thread(edge_agent, *arguments, program=PROGRAM, **options)


async def test_a_store_is_seen_asked_and_watched(shop: ShopUnderTest, tmp_path: Path) -> None:
    async def fleet(*arguments: str | Path) -> Result:
        # In this process: to start Python is most of what a command costs.
        return await asyncio.to_thread(run_here, "--config", tmp_path / "fleet.toml", *arguments)

    nobody = await fleet("status")
    assert (nobody.code, nobody.out) == (0, "")
    assert "no store has ever been heard of" in nobody.err

    await shop.central()
    agent, _ = await shop.agent()
    await shop.until_status(lambda status: status["sync"]["connected"])
    watching = await asyncio.create_subprocess_exec(
        *PROGRAM, *("--config", str(tmp_path / "fleet.toml"), "watch", "--types", "order"),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert watching.stderr is not None
    assert b"watching" in await watching.stderr.readline()
    await shop.sell(3)
    await shop.until_equal()

    # status and show
    seen = await fleet("status", "--json")
    (row,) = json.loads(seen.out)
    assert (row["store"], row["agent"], row["state"], row["version"]) == (
        "sh-0001", "pc-1", "online", (await shop.status())["version"]
    )  # fmt: skip
    assert row["config"]["version"] == 0
    assert "sh-0001  online" in (await fleet("status")).out
    shown = await fleet("show", "sh-0001")
    assert "人民广场店" in shown.out
    assert "till-1-printer" in shown.out
    assert "running version 0" in shown.out
    assert json.loads((await fleet("show", "sh-0001/pc-1", "--json")).out)["health"]["level"] == row["level"]
    assert (await fleet("show", "sh-0002")).code == 2

    # commands
    pong = await at_desk("--config", tmp_path / "fleet.toml", "command", "sh-0001", "ping", "--json")
    assert pong.code == 0, pong.err
    assert json.loads(pong.out)["status"] == "done"
    many = await fleet("command", "--stores", "sh-*,all", "report")
    assert many.code == 0, many.err
    assert "人民广场店" in many.out
    for wrong, why in (
        (("sh-0001", "frobnicate"), "unknown_command"),
        (("sh-0001", "capture", "seconds=3"), "bad_arguments"),
        (("sh-0001", "capture", "device=nothing", "seconds=3"), "unknown_device"),
    ):
        refused = await fleet("command", *wrong)
        assert refused.code == 1, (wrong, refused)
        assert why in refused.out

    # what comes up in pieces
    bundle = await fleet("command", "sh-0001", "diagnostics", "--out", tmp_path / "bundles", "--json")
    assert bundle.code == 0, bundle
    file = Path(json.loads(bundle.out)["file"])
    assert file.parent == tmp_path / "bundles"
    assert file.read_bytes()[:2] == b"\x1f\x8b"  # gzip
    assert file.stat().st_mode & 0o077 == 0

    # logs
    said = await fleet("logs", "sh-0001", "--level", "info", "--limit", "5")
    assert said.code == 0, said.err
    assert 1 <= len(said.lines) <= 5
    assert "there is more" in said.err
    lines = [json.loads(line) for line in (await fleet("logs", "sh-0001", "--json")).lines]
    assert {"timestamp", "level", "event"} <= lines[0].keys()
    assert (await fleet("logs", "sh-0001", "--level", "loud")).code == 2
    following = await asyncio.create_subprocess_exec(
        *PROGRAM, *("--config", str(tmp_path / "fleet.toml"), "logs", "sh-0001", "--follow", "--limit", "1"),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert following.stdout is not None
    await asyncio.wait_for(following.stdout.readline(), 20)
    assert (await fleet("command", "sh-0001", "ping")).code == 0
    async with asyncio.timeout(20):
        while b"name=ping" not in (news := await following.stdout.readline()):
            assert news  # other news may come first
    following.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(following.wait(), 20) == 130

    # events were seen as they happened; Ctrl-C ends it well
    watching.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(watching.communicate(), 20)
    assert watching.returncode == 0, err
    assert [number for number in shop.printed if number in out.decode()] == list(shop.printed)

    # gone
    await agent.stop()
    offline = await fleet("command", "sh-0001", "ping")
    assert offline.code == 1
    assert "nothing was asked" in offline.out
    stopping = json.loads((await fleet("status", "--json")).out)
    assert stopping[0]["state"] == "stopping"


async def test_who_is_not_trusted_is_told_so(shop: ShopUnderTest, tmp_path: Path) -> None:
    await shop.agent()
    await shop.until_status(lambda status: status["sync"]["connected"])
    for name, roles, code in (("ops-1", "command", "bad_signature"), ("ops-9", "command", "unknown_key")):
        key = tmp_path / f"other-{name}.key"
        assert (await at_desk("keygen", "--out", key, "--id", name, "--roles", roles)).code == 0
        config = tmp_path / "fleet.toml"
        refused = await at_desk("--config", config, "--key", key, "command", "sh-0001", "ping")
        assert (refused.code, code in refused.out) == (1, True), refused


def test_the_environment_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "fleet.toml").write_text('url = "mqtt://127.0.0.1:9"\ntenant = "demo"\ntenat = 1\n')
    result = edge_agent("status", program=PROGRAM, env={"EDGE_FLEET_CONFIG": str(tmp_path / "fleet.toml")})
    assert result.code == 2
    assert "did you mean tenant" in result.err
