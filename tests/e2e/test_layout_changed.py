"""A vendor changes a till's layout at noon: it shows, nothing is lost, and a template brings it all in order."""

from collections.abc import Iterator
from typing import Any

import pytest

from edge_agent.simulator.virtual_store import STORE_TOML
from tests.support.pty import Cable
from tests.support.recaptures import TEMPLATE_TOML, printed, vendor
from tests.support.shop import ShopUnderTest, until
from tests.support.slips import sale

MORNING, AFTERNOON = 12, 10


@pytest.fixture
def cable(shop: ShopUnderTest) -> Iterator[Cable]:
    cable = Cable(shop.store.folder / "till-1")
    cable.plug()
    yield cable
    cable.close()


def conditions(status: dict[str, Any]) -> list[tuple[str, str]]:
    return [(condition["part"], condition["code"]) for condition in status["conditions"]]


async def test_a_new_layout_is_noticed_and_read_once_a_template_knows_it(shop: ShopUnderTest, cable: Cable) -> None:
    await shop.central()
    agent, _ = await shop.agent()
    await shop.until_up()
    await cable.write(printed(sale(number=None, extra=f"凭据 20261122{999:06d}")))
    for number in range(1, MORNING):
        await cable.write(printed(sale(number=f"20261122{number:06d}")))
    await shop.until_status(lambda status: status["today"]["orders"] == MORNING)
    assert not conditions(await shop.status())
    for number in range(101, 101 + AFTERNOON):
        await cable.write(printed(vendor(number)))
    await shop.until_status(lambda status: status["today"]["unparsed"] == AFTERNOON)
    changed = [("layout/till-1-printer", "layout_changed")]
    await shop.until_status(lambda status: (conditions(status), status["level"]) == (changed, "attention"))
    assert "1号收银小票" in (await shop.status())["headline"]
    captures = shop.store.folder / "state" / "captures"
    await until(lambda: len(list(captures.glob("*.zst"))) == MORNING + AFTERNOON)  # an order's follow a second later
    await until(lambda: len(shop.events("o2o.order.unparsed.v1")) == AFTERNOON)
    await until(lambda: len(shop.events("o2o.device.degraded.v1")) == 1)  # orders go first
    (told,) = shop.events("o2o.device.degraded.v1")
    assert (told["device"], told["reason"]) == ("till-1-printer", "layout_changed")

    await agent.kill()
    (shop.store.folder / "store.toml").write_text(STORE_TOML + TEMPLATE_TOML, "utf-8")
    agent, _ = await shop.agent()
    await until(lambda: len(shop.events("o2o.order.completed.v1")) > MORNING)
    await agent.kill()  # in the middle of it, or just after
    await shop.agent()
    await shop.until_status(lambda status: status["today"]["orders"] == MORNING + AFTERNOON)
    # No good receipt has come yet.
    await shop.until_status(lambda status: ("layout/till-1-printer", "layout_changed") in conditions(status))

    await until(lambda: len(shop.events("o2o.order.corrected.v1")) == 1)
    (corrected,) = shop.events("o2o.order.corrected.v1")
    (original,) = [e for e in shop.events("o2o.order.completed.v1") if e["order_id"] == corrected["order_id"]]
    assert (original["order_no"], corrected["order_no"]) == (None, "20261122000999")
    assert (corrected["revision"], corrected["completed_at"]) == (2, original["completed_at"])
    wanted = {f"20261122{n:06d}" for n in (*range(1, MORNING), *range(101, 101 + AFTERNOON), 999)}
    await until(lambda: set(shop.held()) == wanted)  # each order once, or ``held`` fails
    assert len(shop.events("o2o.order.completed.v1")) == MORNING + AFTERNOON

    for number in range(201, 206):
        await cable.write(printed(vendor(number)))
    await shop.until_status(lambda status: not conditions(status) and status["level"] == "ok")
