"""The package in a booted Debian: real dpkg, real systemd, a network that reaches nobody."""

import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.boxed_shop import BoxedShop, boxed_shop
from tests.support.machine import booted
from tests.support.package import built
from tests.support.shop import slips

pytestmark = [
    pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the package is for Debian 12's Python 3.11"),
    pytest.mark.timeout(300),
]
BROKEN = {"edge_agent/app.py": "\n\nasync def run(config: Config) -> None:\n    raise SystemExit(1)\n"}
NEWER = {"edge_agent/storage/schema/999.sql": "CREATE TABLE novelty (id INTEGER PRIMARY KEY) STRICT;\n"}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    own = tmp_path_factory.getbasetemp()
    return own.parent if hasattr(request.config, "workerinput") else own


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[BoxedShop]:
    async with booted(tmp_path / "machine") as machine, boxed_shop(machine, tmp_path / "shop") as shop:
        yield shop


async def install(shop: BoxedShop, deb: Path) -> str:
    well, told = await shop.install(deb)
    assert well, told
    return told


async def known(shop: BoxedShop) -> str:
    """Return which version dpkg knows of, and how that stands."""
    query = ("dpkg-query", "--show", "--showformat", "${Version} ${db:Status-Status}", "edge-agent")
    return await shop.machine.run(*query, check=False)


async def test_from_bare_debian_to_orders_through_an_upgrade_and_back_to_nothing(
    shop: BoxedShop, session: Path
) -> None:
    first, second = built(session, "9.9.1"), built(session, "9.9.2")
    run, root = shop.machine.run, shop.machine.root

    # Nothing is configured yet: the package says how it goes on, and nothing fails in the meantime.
    began = time.monotonic()
    assert "not configured yet" in await install(shop, first)
    assert await run("systemctl", "is-failed", "edge-agent", check=False) == "inactive"
    assert await run("systemctl", "is-enabled", "edge-agent") == "enabled"
    assert await run("stat", "-c", "%U:%G %a", "/etc/edge-agent") == "root:edge-agent 2750"
    await shop.configure()
    assert "store.toml: ok" in await run("edge-agent", "check")
    await run("systemctl", "start", "edge-agent")
    await shop.sell()
    await shop.until_equal()
    print(f"from dpkg -i to the first confirmed order: {time.monotonic() - began:.1f} s")  # noqa: T201
    assert (await shop.status())["version"] == "9.9.1"

    # Whoever looks is told what the service may, not what they may themselves.
    doctor = await run("edge-agent", "doctor", check=False)
    assert doctor.startswith("ok   user: edge-agent, as the service\nok   agent: running")
    # The clock is the machine's below, which nobody may have set.
    assert not [line for line in doctor.splitlines() if line.startswith("FAIL") and "clock" not in line], doctor
    stranger = await run(
        "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "edge-agent", "doctor", check=False
    )
    assert "agent.toml:1: (file): cannot be read: Permission denied" in stranger
    assert "use sudo" in stranger
    await run("chmod", "600", "/etc/edge-agent/password")
    told = await run("edge-agent", "doctor", check=False)
    assert "/etc/edge-agent/password: Permission denied; let the agent's user read it" in told
    # Among the credentials nobody but root may read it, and the service has its copy.
    await run("mv", "/etc/edge-agent/password", "/etc/edge-agent/credentials/password")
    told = await run("edge-agent", "doctor", check=False)
    assert not [line for line in told.splitlines() if line.startswith("FAIL") and "clock" not in line], told
    assert "ok   broker" in told
    assert not await run("find", "/run", "-maxdepth", "1", "-name", "edge-agent-*")

    # N-1 -> N -> N-1: the orders stay, and the books go on.
    assert "edge-agent 9.9.2 runs and is healthy" in await install(shop, second)
    assert (root / "opt/edge-agent/current").readlink() == Path("9.9.2")
    await shop.sell(2)
    await shop.until_equal()
    epoch = (await shop.status())["epoch"]
    await install(shop, first)
    status = await shop.status()
    assert (status["version"], status["epoch"], slips(status)) == ("9.9.1", epoch, 3)
    await shop.sell()
    await shop.until_equal()

    # Remove keeps what cannot be had again; installed again it goes on where it was.
    await run("dpkg", "--remove", "edge-agent")
    assert await run("systemctl", "is-active", "edge-agent", check=False) == "inactive"
    assert not await run("pgrep", "-u", "edge-agent", check=False)
    assert (root / "var/lib/edge-agent/edge.db").exists()
    assert (root / "etc/edge-agent/store.toml").exists()
    assert not (root / "opt/edge-agent").exists()
    assert "edge-agent 9.9.1 runs and is healthy" in await install(shop, first)
    assert (await shop.status())["epoch"] == epoch

    # Purge leaves nothing of anybody.
    assert "Not removed" in await run("dpkg", "--purge", "edge-agent")
    assert await known(shop) not in {"9.9.1 installed", "9.9.1 config-files"}
    owned = ("(", "-user", "edge-agent", "-o", "-group", "edge-agent", ")")
    places = ("/etc", "/opt", "/var", "/run")
    assert not await run("find", *places, "-xdev", *owned)
    left = await run("find", *places, "/usr/bin", "/usr/lib", "/lib/systemd", "-xdev", "-name", "*edge-agent*")
    assert not [path for path in left.split() if "/systemd/timers/" not in path], left


@pytest.mark.long
async def test_a_version_that_fails_is_taken_back_by_itself(shop: BoxedShop, session: Path) -> None:
    good, broken = built(session, "9.9.1"), built(session, "9.9.3", BROKEN)
    newer = built(session, "9.9.4", NEWER)
    await install(shop, good)
    await shop.configure()
    await shop.machine.run("systemctl", "start", "edge-agent")
    await shop.sell()
    await shop.until_equal()

    well, told = await shop.install(broken)
    assert not well
    assert "edge-agent 9.9.3 did not come up healthy" in told
    assert "edge-agent 9.9.1 runs again" in told
    assert await known(shop) == "9.9.3 half-configured"
    assert (await shop.status())["version"] == "9.9.1"
    await shop.sell()
    await shop.until_equal()

    # A database that a newer version changed is not for the one before it, which says so and touches nothing.
    assert "edge-agent 9.9.4 runs and is healthy" in await install(shop, newer)
    await shop.sell()
    well, told = await shop.install(good)
    assert not well
    assert "written by a newer edge-agent" in told, told
    assert "edge-agent 9.9.4 runs again" in told
    assert (await shop.status())["version"] == "9.9.4"
    await shop.sell()
    await shop.until_equal()
    await install(shop, newer)
    assert await known(shop) == "9.9.4 installed"
