"""Taps while the agent is killed: the whole agent with a real reader's driver, a real broker, head office."""

import asyncio
import random

from tests.e2e.test_people import CARD, checkins, shop, until_checkins
from tests.support.shop import AWAY_S, ShopUnderTest

__all__ = ["shop"]

SEED = 20261122
ROUNDS = 3


async def test_a_card_that_lies_there_while_the_agent_is_killed_is_one_check_in(shop: ShopUnderTest) -> None:
    """Killed anywhere between the reader's first look and head office: read again, or recorded before, never both."""
    rng = random.Random(SEED)
    reader = await shop.reader()
    await shop.bluez()
    agent, _ = await shop.agent()
    await shop.until_up("till-1-nfc")
    for number in range(ROUNDS):
        reader.tell("put", tag={**CARD, "uid": f"04A1B2C3D4E5{number:02X}"})
        await asyncio.sleep(rng.uniform(0, 0.3))
        await agent.kill()
        agent, _ = await shop.agent()
        await until_checkins(shop, number + 1)
        await shop.until_up("till-1-nfc")
        reader.tell("take")
        await asyncio.sleep(AWAY_S)

    told = checkins(shop)
    assert len(told) == ROUNDS
    assert len({checkin["identity"]["value"] for checkin in told}) == ROUNDS
    assert all(checkin["identity"]["verified"] and checkin["revision"] == 1 for checkin in told)
    assert (await shop.status())["today"]["checkins"] == ROUNDS
