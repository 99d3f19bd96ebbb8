import random
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.support.matrix import PROPERTY, Fault
from tests.support.network import Network, own_network
from tests.support.shop import ShopUnderTest, shop_under_test


@pytest.fixture
def fault(request: pytest.FixtureRequest) -> Fault:
    """The fault that the test's mark ``fault(group, name)`` names; its row goes into the table."""
    mark = request.node.get_closest_marker("fault")
    assert mark is not None, "mark the test with @pytest.mark.fault(group, name)"
    group, name = mark.args
    return Fault(group, name, lambda row: request.node.user_properties.append((PROPERTY, row.told())))


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


@pytest.fixture
def network() -> Iterator[Network]:
    """A network of this test's own; to be named before ``shop``, whose processes are then in it."""
    with own_network() as own:
        yield own


@pytest.fixture
def faults(request: pytest.FixtureRequest) -> Callable[[str], Fault]:
    """The faults of a test that does several to one shop: each is begun by its name, the mark names their group.

    The events are counted from the shop's beginning.
    """
    mark = request.node.get_closest_marker("fault")
    assert mark is not None, "mark the test with @pytest.mark.fault(group)"
    (group,) = mark.args
    return lambda name: Fault(group, name, lambda row: request.node.user_properties.append((PROPERTY, row.told())))
