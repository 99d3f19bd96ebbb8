import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.shop import ShopUnderTest, shop_under_test


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    async with shop_under_test(tmp_path) as running:
        yield running


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """A seeded source of chance; the seed is printed, and shown when the test fails."""
    seed = random.randrange(2**32)
    print(f"{request.node.name}: seed {seed}")  # noqa: T201 - pytest shows it when the test fails
    return random.Random(seed)
